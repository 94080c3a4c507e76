"""MediaPipe's face mesh with attention, as THEval runs it, for `theval --mesh`.

Runs in an environment of its own, which holds mediapipe 0.10.14 and nothing of this project: raw
RGB pictures come in on stdin, WIDTH x HEIGHT px each, and (468, 3) float32 px go out on stdout for
each, NaN where no face is found.

    python attention_mesh.py WIDTH HEIGHT
"""

from __future__ import annotations

import os
import sys

import numpy as np


def main() -> None:
    """Until stdin ends."""
    width, height = int(sys.argv[1]), int(sys.argv[2])
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the libraries print is not landmarks
    import mediapipe  # type: ignore[import-not-found]

    mesh = mediapipe.solutions.face_mesh.FaceMesh(max_num_faces=1, refine_landmarks=True)
    while len(data := sys.stdin.buffer.read(width * height * 3)) == width * height * 3:
        picture = np.frombuffer(data, np.uint8).reshape(height, width, 3)
        faces = mesh.process(picture).multi_face_landmarks
        points = np.full((468, 3), np.nan, np.float32)
        if faces:
            found = faces[0].landmark[:468]
            points[:] = [(p.x * width, p.y * height, p.z * width) for p in found]
        out.write(points.tobytes())
        out.flush()


if __name__ == "__main__":
    main()
