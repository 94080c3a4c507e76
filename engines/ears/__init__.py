"""From the microphone to words: echo, voice activity, recognition, the tone of a voice."""
