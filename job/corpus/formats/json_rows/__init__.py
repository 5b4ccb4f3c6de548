"""Rows of JSON, one a line or in one array, with spans or with tagged units."""
