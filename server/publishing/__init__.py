"""A session sent to where others publish: to any WHIP server, or as a stream of RTMP or SRT."""
