"""One unit a line with its tag: CoNLL, KLUE, NAVER, and the columns and comments of others."""
