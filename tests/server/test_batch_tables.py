"""Tables of people as programs of this world write them, and as people break them."""

import io
import zipfile
from datetime import date, datetime

import openpyxl
import pytest

from visavis.server.studio.batches import tables
from visavis.server.studio.batches.table import MOST_ROWS, TableError, key

PEOPLE = "First Name;Town\nJürgen;Köln\nRenée;Orléans\n"


def values(table):
    return [list(row.values.values()) for row in table.rows]


def workbook(*rows, title="People", hidden=False):
    book = openpyxl.Workbook()
    if hidden:
        book.create_sheet("Lists").append(["no", "people"])
        book.move_sheet("Lists", -1)
        book["Lists"].sheet_state = "hidden"
    sheet = book["Sheet"]
    sheet.title = title
    for row in rows:
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "mac_roman"]
)
def test_western_names_are_read_however_they_are_encoded(encoding):
    table = tables.read(PEOPLE.encode(encoding))
    assert values(table) == [["Jürgen", "Köln"], ["Renée", "Orléans"]]
    assert dict(table.headings) == {"first_name": "First Name", "town": "Town"}


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1250", "Imię;Miasto\nŁukasz;Gdańsk\nŻaneta;Łódź\n"),
        ("cp1250", "Jméno;Město\nJiří;Plzeň\nŠárka;Děčín\n"),
        ("cp1251", "Имя;Город\nАнна;Москва\nЯрослав;Киев\n"),
        ("cp1253", "Όνομα;Πόλη\nΓιώργος;Αθήνα\n"),
        ("cp1254", "Ad;Şehir\nŞükrü;İzmir\nAyşe;Muğla\n"),
        ("shift_jis", "名前,市\n田中太郎,東京\n"),
        ("gb18030", "姓名,城市\n王伟,北京\n李娜,上海\n"),
        ("euc_kr", "이름,도시\n김철수,서울\n"),
    ],
)
def test_other_countries_code_pages_are_told_by_their_letters(encoding, text):
    names = [line.replace(",", ";").split(";") for line in text.splitlines()[1:]]
    assert values(tables.read(text.encode(encoding))) == names


def test_a_named_encoding_is_taken_at_its_word():
    assert values(tables.read("a,b\nMuñoz,1\n".encode("cp1252"), "cp1252"))[0][0] == "Muñoz"
    with pytest.raises(TableError, match="no encoding 'klingon'"):
        tables.read(b"a,b\n1,2\n", "klingon")
    with pytest.raises(TableError, match="not utf-8"):
        tables.read("a,b\nMuñoz,1\n".encode("cp1252"), "utf-8")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_though_cells_hold_others(separator):
    text = f'name{separator}text\nAnna{separator}"well, so; it goes"\nBo{separator}x\n'
    assert values(tables.read(text.encode()))[0] == ["Anna", "well, so; it goes"]


def test_excels_first_line_says_the_separator():
    table = tables.read(b"sep=;\r\nname;text\r\nAnna;a,b,c\r\n")
    assert values(table) == [["Anna", "a,b,c"]]
    assert table.rows[0].number == 3


def test_a_table_of_one_column_needs_no_separator():
    assert values(tables.read(b"name\nAnna\nBo\n")) == [["Anna"], ["Bo"]]


def test_rows_keep_the_numbers_of_the_spreadsheet():
    table = tables.read(b'name,text\n\nAnna,"two\nlines"\n,\nBo,x\n')
    assert [row.number for row in table.rows] == [3, 5]
    assert table.rows[0].values["text"] == "two lines"


def test_what_cannot_be_seen_is_left_out_of_cells():
    assert values(tables.read("name\n\u202e An\u200bna\xa0 B \ufeff\n".encode())) == [["Anna B"]]


def test_a_formula_in_a_csv_is_a_fault_and_a_word_that_begins_alike_is_none():
    text = "name,town\n=A1&B1,x\n#REF!,x\n#N/A,x\n-Anna,x\n+49 30,x\n=),x\n"
    faults = tables.read(text.encode()).faults
    assert [fault.row for fault in faults] == [2, 3, 4]
    assert faults[0].column == "name"
    assert "paste it as values" in faults[0].what
    assert "#REF!" in faults[1].what


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("name,town\n", "no rows"),
        (",,\n,,\n", "is empty"),
        ("name,Name \nAnna,Bo\n", "Two columns are called"),
        ('name,town\nAnna,"Rome\nBo,Paris\n', "Row 2 has a quotation mark that does not end"),
        ("<html><body>", "no table that can be read"),
        ("\xd0\xcf\x11\xe0", "old Excel file"),
    ],
)
def test_what_cannot_be_read_says_how_it_is_mended(text, words):
    with pytest.raises(TableError, match=words):
        tables.read(text.encode("latin-1"))


def test_a_row_wider_than_its_heading_is_a_fault_of_the_row_alone():
    table = tables.read(b"name,town\nAnna,Rome, Italy\nBo,Paris\n")
    assert [fault.row for fault in table.faults] == [2]
    assert "quotation marks" in table.faults[0].what
    assert len(table.rows) == 2


def test_words_below_no_heading_are_noted():
    table = tables.read(b"name,,town\nAnna,x,Rome\n")
    assert [(fault.column, fault.grave) for fault in table.faults] == [("B", False)]
    assert dict(table.rows[0].values) == {"name": "Anna", "town": "Rome"}


def test_ten_thousand_rows_are_read_and_more_are_refused():
    lines = "".join(f"Person {number};Town;x\n" for number in range(MOST_ROWS))
    assert len(tables.read(f"name;town;c\n{lines}".encode()).rows) == MOST_ROWS
    with pytest.raises(TableError, match="divide it"):
        tables.read(f"name;town;c\n{lines}One;too;many\n".encode())


def test_a_file_over_the_bound_is_not_read():
    with pytest.raises(TableError, match="over 32 MB"):
        tables.read(b"name\n" + b"a" * tables.LARGEST)


def test_a_workbook_gives_what_the_spreadsheet_shows():
    table = tables.read(
        workbook(
            ["First Name", "Points", "Day", "Member", "Rate"],
            ["Anna", 3.0, date(2026, 3, 1), True, 0.1 + 0.2],
            [],
            ["Bo", 12345678, datetime(2026, 3, 1, 9, 30), None, None],
            hidden=True,
        )
    )
    assert values(table) == [
        ["Anna", "3", "2026-03-01", "yes", "0.3"],
        ["Bo", "12345678", "2026-03-01 09:30", "", ""],
    ]
    assert [row.number for row in table.rows] == [2, 4]


def test_a_workbooks_formula_without_a_value_is_a_fault():
    table = tables.read(workbook(["name", "town"], ["Anna", "=A2"], ["=B1", None], ["Bo", "x"]))
    assert [(fault.row, fault.column) for fault in table.faults] == [(2, "town"), (3, "name")]
    assert "save it, and send it again" in table.faults[0].what


def test_a_sheet_is_taken_by_its_name():
    data = workbook(["name"], ["Anna"], hidden=True)
    assert values(tables.read(data, sheet="People")) == [["Anna"]]
    with pytest.raises(TableError, match="there are: Lists, People"):
        tables.read(data, sheet="Persons")


def test_broken_and_foreign_archives_are_told_apart():
    data = workbook(["name"], ["Anna"])
    with pytest.raises(TableError, match="broken"):
        tables.read(data[: len(data) // 2])
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    with pytest.raises(TableError, match="no Excel workbook"):
        tables.read(other.getvalue())


def _with(part, content, data):
    """The workbook with one of its parts put in place of another."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", 8) as new:
        for name in old.namelist():
            new.writestr(name, content if name == part else old.read(name))
    return out.getvalue()


def test_bombs_are_refused():
    data = workbook(["name"], ["Anna"])
    part = "xl/worksheets/sheet1.xml"
    with pytest.raises(TableError, match="unpacks to over"):
        tables.read(_with(part, b" " * (201 << 20), data))
    entities = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    bomb = f'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a0 "ha">{entities}]><w>&a9;</w>'
    with pytest.raises(TableError, match="broken"):
        tables.read(_with(part, bomb.encode(), data))


def test_a_path_is_named_in_the_fault(tmp_path):
    path = tmp_path / "people.csv"
    path.write_bytes(b"name\n")
    with pytest.raises(TableError, match=r"people\.csv: The table has a heading"):
        tables.read_file(path)


@pytest.mark.parametrize("heading", ["First Name", "first-name", " FIRST_NAME ", "first.name"])
def test_headings_that_differ_in_writing_are_one(heading):
    assert key(heading) == "first_name"


def test_a_cell_without_end_is_told_as_that():
    with pytest.raises(TableError, match="Row 2 has a cell of over"):
        tables.read(b"name\n" + b"a" * 200_000 + b"\n")


def test_half_a_letter_is_none():
    with pytest.raises(TableError, match="is not unicode_escape"):
        tables.read(b"name\n\\ud800\n", "unicode_escape")
