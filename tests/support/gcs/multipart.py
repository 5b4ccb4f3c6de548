"""Bodies of several parts, taken apart by bytes.

The emulator's reader decodes them as e-mail, which loses a trailing carriage return. gcloud puts
the boundary in quotes and ends lines with a bare line feed; both are allowed here.
"""

import re
from collections.abc import Mapping

Part = tuple[dict[str, str], memoryview]


def parts(headers: Mapping[str, str], body: bytearray) -> list[Part]:
    """Each part's headers, names in lower case, and its bytes.

    Raises ValueError for a body that is not what its Content-Type says.
    """
    found = re.search(r"""boundary=(?:"([^"]+)"|'([^']+)'|([^;\s]+))""", headers["Content-Type"])
    if not found:
        raise ValueError("no boundary in the Content-Type")
    mark = b"--" + next(filter(None, found.groups())).encode()
    start = body.index(mark) + len(mark)
    # What ends the first line ends them all: a part may itself end with a carriage return.
    newline = b"\r\n" if body.startswith(b"\r\n", start) else b"\n"
    view, between = memoryview(body), []
    while not body.startswith(b"--", start):
        end = body.index(newline + mark, start)
        # From the newline that ends the boundary: a part may be without headers.
        head_end = body.index(newline * 2, start, end)
        lines = body[start:head_end].decode().split(newline.decode())
        pairs = (line.split(":", 1) for line in lines if ":" in line)
        head = {name.strip().lower(): value.strip() for name, value in pairs}
        between.append((head, view[head_end + 2 * len(newline) : end]))
        start = end + len(newline + mark)
    return between
