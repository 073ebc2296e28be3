"""Label files in any encoding: every name is read as it was written, and the report says how."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from tator.encodings import guess
from tator.importing.preview import preview_source
from tator.storage.archives import extracting
from tests.folders import boxes, finish, make, picture, report_of

NAMES = {
    "gb18030": ["猫", "行人", "自行车"],
    "cp932": ["犬", "自動車", "りんご"],
    "cp949": ["고양이", "사람", "자동차"],
    "big5": ["貓", "汽車", "蘋果"],
    "euc_jp": ["自動車", "ネコ", "信号"],
    "cp1251": ["кошка", "Человек", "дерево"],
    "cp1252": ["forêt", "Kätzchen", "señal"],
    "cp1250": ["człowiek", "żółw", "łódź"],
    "cp1254": ["ağaç", "ışık", "köpek"],
    "cp1253": ["γάτα", "σκύλος", "δέντρο"],
    "cp1256": ["قطة", "كلب", "سيارة"],
    "utf-16": ["猫", "forêt", "dog"],
    "utf-16-le": ["кошка", "cat", "dog"],
    "utf-16-be": ["cat", "dog", "forêt"],
    "utf-32": ["cat", "貓", "dog"],
    "utf-8-sig": ["猫", "forêt", "кошка"],
    "utf-8": ["猫", "é", "кошка"],
}


def yolo(root: Path, names: list[str], encoding: str) -> None:
    (root / "classes.txt").write_bytes("\r\n".join(names).encode(encoding))
    rows = "".join(f"{n} 0.5 0.5 0.{n + 2} 0.5\n" for n in range(len(names)))
    (root / "a.txt").write_bytes(rows.encode(encoding if encoding.startswith("utf") else "ascii"))


def labelme(root: Path, names: list[str], encoding: str) -> None:
    shapes = [
        {"label": name, "shape_type": "rectangle", "points": [[1, 1], [20 + n, 20]]} for n, name in enumerate(names)
    ]
    content = {"version": "5", "imagePath": "a.png", "shapes": shapes, "imageWidth": 64, "imageHeight": 48}
    (root / "a.json").write_bytes(json.dumps(content, ensure_ascii=False).encode(encoding))


def voc(root: Path, names: list[str], encoding: str, declared: str = "") -> None:
    boxes = "".join(
        f"<object><name>{name}</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>{20 + n}</xmax><ymax>9</ymax></bndbox></object>"
        for n, name in enumerate(names)
    )
    head = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    (root / "a.xml").write_bytes(f"{head}<annotation><filename>a.png</filename>{boxes}</annotation>".encode(encoding))


def cvat(root: Path, names: list[str], encoding: str, declared: str = "") -> None:
    rows = "".join(f'<box label="{name}" xtl="1" ytl="1" xbr="{20 + n}" ybr="9"/>' for n, name in enumerate(names))
    labels = "".join(f"<label><name>{name}</name></label>" for name in names)
    head = f'<?xml version="1.0" encoding="{declared or "utf-8"}"?>'
    body = f'<meta><task><labels>{labels}</labels></task></meta><image id="0" name="a.png" width="64" height="48">{rows}</image>'
    (root / "annotations.xml").write_bytes(f"{head}<annotations>{body}</annotations>".encode(encoding))


def table(root: Path, names: list[str], encoding: str) -> None:
    rows = "".join(f"a.png,{name},1,1,{20 + n},9\n" for n, name in enumerate(names))
    (root / "boxes.csv").write_bytes(f"filename,class,xmin,ymin,xmax,ymax\n{rows}".encode(encoding))


@pytest.mark.parametrize("write", [yolo, labelme, voc, cvat, table], ids=lambda write: write.__name__)
@pytest.mark.parametrize("encoding", NAMES)
def test_names_are_read_as_they_were_written(wb, tmp_path: Path, encoding: str, write):
    root = tmp_path / "set"
    picture(root / "a.png")
    write(root, NAMES[encoding], encoding)
    dataset = make(wb, root)
    assert sorted(row[0] for row in boxes(dataset)["a.png"]) == sorted(NAMES[encoding])
    told = {e["reason"] for kind in ("noticed", "repaired") for e in report_of(dataset)[kind]}
    assert ("text is not UTF-8" in told) == (not encoding.startswith("utf-8"))


@pytest.mark.parametrize("write", [voc, cvat], ids=lambda write: write.__name__)
@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("gb18030", "GBK"),
        ("gb18030", "gb2312"),
        ("cp932", "Shift_JIS"),
        ("big5", "Big5"),
        ("cp949", "EUC-KR"),
        ("euc_jp", "EUC-JP"),
        ("cp1251", "windows-1251"),
        ("cp1252", "ISO-8859-1"),
        ("utf-16", "UTF-16"),
        ("gb18030", "utf-8"),
    ],
)
def test_xml_is_read_in_the_encoding_it_declares_or_has(wb, tmp_path: Path, encoding: str, declared: str, write):
    root = tmp_path / "set"
    picture(root / "a.png")
    write(root, NAMES[encoding], encoding, declared)
    assert sorted(row[0] for row in boxes(make(wb, root))["a.png"]) == sorted(NAMES[encoding])


def test_a_declared_encoding_opens_no_way_around_the_guard(wb, tmp_path: Path):
    root = tmp_path / "set"
    picture(root / "a.png")
    bomb = '<?xml version="1.0" encoding="GBK"?><!DOCTYPE a [<!ENTITY e "e">]>'
    bomb += "<annotation><filename>a.png</filename><object><name>&e;</name></object></annotation>"
    (root / "a.xml").write_bytes(bomb.encode("gbk"))
    told = finish(preview_source(wb.workspace, str(root), "voc"))
    assert [e["reason"] for e in told["report"]["dropped"]] == ["refused as XML"]


def test_short_lists_are_read_as_the_other_files_of_the_folder(wb, tmp_path: Path):
    root = tmp_path / "set"
    picture(root / "a.png")
    yolo(root, ["ve", "kou"], "ascii")
    (root / "classes.txt").write_bytes("kočka\npes\n".encode("cp1250"))
    (root / "text_labels").mkdir()
    (root / "text_labels" / "a.txt").write_bytes("Žlutý kůň běží přes řeku, vedle něj šedá kočka".encode("cp1250"))
    dataset = make(wb, root)
    assert [row.name for row in dataset.classes()] == ["kočka", "pes"]
    assert "Windows-1250 (Central European): kočka" in json.dumps(report_of(dataset), ensure_ascii=False)


def test_utf8_by_chance_is_told_and_utf8_is_not(wb, tmp_path: Path):
    for name, content in {
        "chance": "猫\n".encode("gbk"),
        "meant": "é\nforêt\n".encode(),
        "word": "ñandú\n".encode(),
    }.items():
        picture(tmp_path / name / "a.png")
        (tmp_path / name / "classes.txt").write_bytes(content)
        (tmp_path / name / "a.txt").write_text("0 .5 .5 .2 .2\n")
    chance, meant, word = (make(wb, tmp_path / name, name) for name in ("chance", "meant", "word"))
    assert "猫 as GBK" in report_of(chance)["noticed"][0]["detail"]
    assert [row.name for row in meant.classes()] == ["é", "forêt"] and not report_of(meant)["noticed"]
    assert [row.name for row in word.classes()] == ["ñandú"] and not report_of(word)["noticed"]


def test_utf8_by_chance_is_read_as_the_folder_is(wb, tmp_path: Path):
    root = tmp_path / "set"
    for image, name in {"a": "猫", "b": "自行车"}.items():
        picture(root / f"{image}.png")
        labelme(root, [name], "gbk")
        (root / "a.json").rename(root / f"{image}.tmp")
    for image in "ab":
        (root / f"{image}.tmp").rename(root / f"{image}.json")
    assert sorted(row.name for row in make(wb, root).classes()) == ["猫", "自行车"]


@pytest.mark.parametrize("encoding", ["gb18030", "cp932", "cp949", "cp437", "cp1251", "utf-8"])
def test_names_in_a_zip_are_read_in_the_encoding_of_its_sender(tmp_path: Path, encoding: str):
    names = NAMES.get(encoding, ["forêt", "Kätzchen", "straße"])
    raw = [f"{name}/{name}.txt".encode(encoding) for name in names]
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        for at, name in enumerate(raw):
            archive.writestr("x" * (len(name) - 1) + str(at), b"")
    content = (tmp_path / "b.zip").read_bytes()
    for at, name in enumerate(raw):  # Python would say UTF-8 of these names; senders of old do not
        content = content.replace(b"x" * (len(name) - 1) + str(at).encode(), name)
    (tmp_path / "b.zip").write_bytes(content)
    assert finish(extracting(tmp_path / "b.zip", tmp_path / "out")).files == len(names)
    assert sorted(path.stem for path in (tmp_path / "out").rglob("*.txt")) == sorted(names)


def test_no_guess_is_called_sure_that_is_wrong():
    wrong = []
    for encoding, names in NAMES.items():
        for name in names if not encoding.startswith("utf") else ():
            content = name.encode(encoding)
            found = None if name.isascii() else guess(content)
            if found and found.is_sure and content.decode(found.encoding) != name:
                wrong.append((name, found))
    assert wrong == []


def test_a_name_whose_letters_were_lost_before_is_told(wb, tmp_path: Path):
    root = tmp_path / "set"
    picture(root / "a.png")
    yolo(root, ["caf\ufffd", "dog"], "utf-8")
    assert "letters of a class name are lost" in report_of(make(wb, root))["counts"]["repaired"]
