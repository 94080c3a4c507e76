"""Scripts out of files that people have already: texts, subtitles, slides."""
