"""A workbook as Excel saves it, written by hand."""

import io
import zipfile
from xml.sax.saxutils import escape

NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def workbook(**sheets):
    """`sheets` are name=rows of cells: text, numbers, or XML of a cell as bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        names = "".join(
            f'<sheet name="{name}" sheetId="{i}" r:id="r{i}"/>'
            for i, name in enumerate(sheets, start=1)
        )
        book = f'<workbook xmlns="{NS}" xmlns:r="{REL}"><sheets>{names}</sheets></workbook>'
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{PACKAGE}"/>')
        archive.writestr("xl/workbook.xml", book)
        root = f'<Relationship Id="r" Type="{REL}/officeDocument" Target="xl/workbook.xml"/>'
        archive.writestr("_rels/.rels", f'<Relationships xmlns="{PACKAGE}">{root}</Relationships>')
        links = "".join(
            f'<Relationship Id="r{i}" Type="{REL}/worksheet" Target="worksheets/sheet{i}.xml"/>'
            for i in range(1, len(sheets) + 1)
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{PACKAGE}">{links}</Relationships>',
        )
        for i, rows in enumerate(sheets.values(), start=1):
            lines = "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows)
            sheet = f'<worksheet xmlns="{NS}"><sheetData>{lines}</sheetData></worksheet>'
            archive.writestr(f"xl/worksheets/sheet{i}.xml", sheet)
    return buffer.getvalue()


def _cell(value):
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, str):
        text = escape(value)
        return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
    return f"<c><v>{value}</v></c>"
