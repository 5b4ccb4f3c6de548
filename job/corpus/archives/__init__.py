"""Archives → folders in the cache. A further kind is a function that yields its members, and a row
in `members.KINDS`."""

from job.corpus.archives.unpacking import is_archive, unpack

__all__ = ["is_archive", "unpack"]
