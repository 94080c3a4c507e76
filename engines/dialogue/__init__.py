"""What to answer: from a file of questions and answers, or an echo."""
