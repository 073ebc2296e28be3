"""Tables of boxes are read by the evidence of their header and numbers, which is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.folders import picture, text
from tests.reading import dropped, named_boxes, read_folder, told

A, B = [("dog", 10, 20, 40, 45)], [("cat", 5, 5, 50, 25)]
TABLES = {
    "corners": "filename,class,xmin,ymin,xmax,ymax\na.jpg,dog,10,20,40,45\nb.jpg,cat,5,5,50,25\n",
    "shares": "filename,class,xmin,ymin,xmax,ymax\na.jpg,dog,.1,.4,.4,.9\nb.jpg,cat,.05,.1,.5,.5\n",
    "semicolons": "filename;class;xmin;ymin;xmax;ymax\na.jpg;dog;10,0;20;40;45\nb.jpg;cat;5;5,0;50;25\n",
    "hint": "sep=;\nfilename;class;xmin;ymin;xmax;ymax\na.jpg;dog;10;20;40;45\nb.jpg;cat;5;5;50;25\n",
    "tabs": "filename\tclass\txmin\tymin\txmax\tymax\na.jpg\tdog\t10\t20\t40\t45\nb.jpg\tcat\t5\t5\t50\t25\n",
    "centre": "image,label,x_center,y_center,width,height\na.jpg,dog,25,32.5,30,25\nb.jpg,cat,27.5,15,45,20\n",
    "centre shares": "image,label,cx,cy,w,h\na.jpg,dog,.25,.65,.3,.5\nb.jpg,cat,.275,.3,.45,.4\n",
    "size": "image,label,x,y,w,h\na.jpg,dog,10,20,30,25\nb.jpg,cat,5,5,45,20\n",
    "bbox": 'image_id,label,width,height,bbox\na,dog,100,50,"[10, 20, 30.0, 25]"\nb,cat,100,50,"[5,5,45,20]"\n',
    "RetinaNet": "a.jpg,10,20,40,45,dog\nb.jpg,5,5,50,25,cat\n",
    "make-sense": "dog,10,20,30,25,a.jpg,100,50\ncat,5,5,45,20,b.jpg,100,50\n",
    "AutoML": "TRAIN,gs://x/a.jpg,dog,.1,.4,,,.4,.9,,\nTEST,gs://x/b.jpg,cat,.05,.1,,,.5,.5,,\n",
    "AutoML of four": "TRAIN,gs://x/a.jpg,dog,.1,.4,.4,.4,.4,.9,.1,.9\nTEST,gs://x/b.jpg,cat,.05,.1,.5,.1,.5,.5,.05,.5\n",
}


@pytest.mark.parametrize("kind", TABLES)
def test_tables_of_every_kind(tmp_path: Path, kind: str):
    picture(tmp_path / "a.jpg", (100, 50)), picture(tmp_path / "b.jpg", (100, 50))
    text(tmp_path / "labels.csv", TABLES[kind])
    source, found = read_folder(tmp_path)
    assert source.format == "csv" and not dropped(source), told(source)
    for path, expected in (("a.jpg", A), ("b.jpg", B)):
        ((name, *box),) = named_boxes(source, found[path])
        assert (name, *[round(value, 3) for value in box]) == expected[0]
    is_plain = kind in ("corners", "semicolons", "hint", "tabs")
    assert is_plain != ("columns judged by their numbers" in told(source))


@pytest.mark.parametrize("box", ["0,0,1,0.5", "0.25,0.5,1,1", "0,0.1,0.9,1"])
def test_a_box_within_the_first_pixel_is_in_pixels_where_our_own_header_says_so(tmp_path: Path, box: str):
    picture(tmp_path / "a.jpg", (100, 50))
    text(
        tmp_path / "labels.csv",
        f"filename,width,height,class,xmin,ymin,xmax,ymax,split\na.jpg,100,50,dog,{box},train\n",
    )
    source, found = read_folder(tmp_path)
    assert named_boxes(source, found["a.jpg"]) == [("dog", *map(float, box.split(",")))]
    assert "judged by their numbers" not in told(source)


def test_a_table_without_classes_says_so(tmp_path: Path):
    picture(tmp_path / "train/im0.jpg", (1024, 1024))
    text(
        tmp_path / "train.csv", 'image_id,width,height,bbox,source\nim0,1024,1024,"[834.0, 222.0, 56.0, 36.0]",usask\n'
    )
    source, found = read_folder(tmp_path)
    assert named_boxes(source, found["train/im0.jpg"]) == [("object", 834, 222, 890, 258)]
    assert "no column of classes" in told(source)
