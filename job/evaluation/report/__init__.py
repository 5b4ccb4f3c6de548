"""The report as files: a page for a person, JSON for programs; a text of the page goes to `texts`
in both languages."""
