"""A face in front of video-call programs: virtual camera, virtual microphone, their keys."""
