"""A corpus in the shapes that people and annotation tools read: a shape is a file here with a
`Writer` and a row in the table."""
