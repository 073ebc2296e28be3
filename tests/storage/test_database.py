"""The database: migrations, durability settings, many writers, copies, and failures in words."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, func, insert, select, text, update

from tator.storage import migrations
from tator.storage.database import Store, new_engine
from tator.storage.schema import dataset, metadata
from tator.types import BadInput, Unavailable

ROOT = Path(__file__).parents[2]
ROW = {"storage": "linked", "root": "/images", "created_at": 0.0}


def opened(folder: Path, **settings) -> Store:
    return Store.open(f"sqlite:///{folder / 'tator.db'}", folder / "backups", **settings)


@pytest.fixture
def store(tmp_path):
    made = opened(tmp_path)
    yield made
    made.close()


def names(store: Store) -> list[str]:
    with store.read() as conn:
        return list(conn.execute(select(dataset.c.name).order_by(dataset.c.name)).scalars())


def add(store: Store, name: str) -> None:
    with store.write() as conn:
        conn.execute(insert(dataset).values(name=name, **ROW))


def test_the_migrations_build_exactly_the_schema(store):
    with store.read() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_every_constraint_of_the_schema_is_in_the_database(store, tmp_path):
    direct = new_engine(f"sqlite:///{tmp_path / 'direct.db'}")
    with direct.begin() as conn:
        metadata.create_all(conn)
    built = (
        "select name, sql from sqlite_master where name not like 'alembic%' and name not like 'sqlite_%' order by name"
    )

    def parts(sql: str) -> list[str]:
        lines = re.split(
            r"\n|, (?=[a-z_]+ [A-Z])", sql
        )  # a column that a migration added stands on the line of another
        return sorted(line.strip(" \t,") for line in lines)

    with store.read() as ours, direct.connect() as theirs:
        left, right = ours.execute(text(built)).all(), theirs.execute(text(built)).all()
    assert [(name, parts(sql)) for name, sql in left] == [(name, parts(sql)) for name, sql in right]


def test_head_is_the_last_migration_and_there_is_one_line_of_them():
    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [migrations.HEAD]
    assert migrations.known_versions() == {revision.revision for revision in script.walk_revisions()}


def test_migrations_go_down_and_up_again(store):
    from alembic import command

    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER))
    with store.write() as conn:
        config.attributes["connection"] = conn
        command.downgrade(config, "base")
        assert not set(store.engine.dialect.get_table_names(conn)) & set(metadata.tables)
        command.upgrade(config, "head")
        assert set(metadata.tables) <= set(store.engine.dialect.get_table_names(conn))


def test_rows_of_every_earlier_version_are_kept_by_the_migrations(tmp_path):
    from alembic import command

    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER))
    for version in sorted(migrations.known_versions())[:-1]:
        file = tmp_path / version / "tator.db"
        file.parent.mkdir()
        old = Store(f"sqlite:///{file}", foreign_keys=False)
        with old.write() as conn:
            config.attributes["connection"] = conn
            command.upgrade(config, version)
            conn.execute(text("insert into dataset (id, name, storage, root, next_class_id, settings, created_at)"
                              " values (7, 'kept', 'linked', '/images', 0, '{}', 1.5)"))  # fmt: skip
            conn.execute(text("insert into image (id, dataset_id, path, width, height, state, revision, annotation_count)"
                              " values (9, 7, 'a.jpg', 1, 1, 'new', 0, 0)"))  # fmt: skip
        old.close()
        store = opened(file.parent)
        with store.read() as conn:
            row = conn.execute(select(dataset)).mappings().one()
            assert (row["id"], row["name"], row["trash"]) == (7, "kept", None)
            assert conn.execute(text("select dataset_id, path, tags, notes from image")).all() == [
                (7, "a.jpg", None, None)
            ]
            assert conn.execute(text("select attributes from annotation")).all() == []
        store.close()


def test_sqlite_is_set_up_to_survive_a_crash(store):
    with store.read() as conn:
        values = {
            name: conn.execute(text(f"pragma {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert values == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_an_error_undoes_the_whole_transaction(store):
    with pytest.raises(ZeroDivisionError), store.write() as conn:
        conn.execute(insert(dataset).values(name="half", **ROW))
        1 / 0  # noqa: B018
    assert names(store) == []


def test_a_read_sees_one_state_throughout(store):
    add(store, "a")
    with store.read() as conn:
        before = conn.execute(select(func.count()).select_from(dataset)).scalar()
        add(store, "b")
        assert conn.execute(select(func.count()).select_from(dataset)).scalar() == before == 1
    assert names(store) == ["a", "b"]


def test_a_write_inside_a_write_is_a_bug_and_says_so(store):
    with store.write(), pytest.raises(RuntimeError, match="inside"), store.write():
        pass
    add(store, "after")  # and leaves the store usable
    assert names(store) == ["after"]


def test_threads_lose_no_update(store):
    add(store, "count")

    def work() -> None:
        for _ in range(20):
            with store.write() as conn:
                n = conn.execute(select(dataset.c.next_class_id)).scalar_one()
                conn.execute(update(dataset).values(next_class_id=n + 1))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as conn:
        assert conn.execute(select(dataset.c.next_class_id)).scalar_one() == 160


COUNT = """
import sys
from sqlalchemy import select, update
from tator.storage.schema import dataset
from tator.storage.database import Store
store = Store.open(sys.argv[1])
for _ in range(25):
    with store.write() as conn:
        n = conn.execute(select(dataset.c.next_class_id)).scalar_one()
        conn.execute(update(dataset).values(next_class_id=n + 1))
"""


def test_processes_lose_no_update(store, tmp_path):
    add(store, "count")
    url = f"sqlite:///{tmp_path / 'tator.db'}"
    children = [subprocess.Popen([sys.executable, "-c", COUNT, url], cwd=ROOT) for _ in range(3)]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    with store.read() as conn:
        assert conn.execute(select(dataset.c.next_class_id)).scalar_one() == 75


def test_processes_that_open_a_new_database_together_all_succeed(tmp_path):
    code = "import sys; from tator.storage.database import Store; Store.open(sys.argv[1]).close()"
    url = f"sqlite:///{tmp_path / 'new.db'}"
    children = [subprocess.Popen([sys.executable, "-c", code, url], cwd=ROOT, stderr=subprocess.PIPE) for _ in range(4)]
    errors = [child.communicate(timeout=60)[1] for child in children]
    assert [child.returncode for child in children] == [0] * 4, errors
    assert names(Store.open(url)) == []


def test_opening_is_quick_and_leaves_alembic_alone(tmp_path):
    opened(tmp_path).close()
    code = (
        "import sys, time; from tator.storage.database import Store; began = time.perf_counter(); Store.open(sys.argv[1]);"
        "print(time.perf_counter() - began, 'alembic' in sys.modules)"
    )
    told = subprocess.check_output(
        [sys.executable, "-c", code, f"sqlite:///{tmp_path / 'tator.db'}"], cwd=ROOT, text=True
    ).split()
    assert float(told[0]) < 0.1
    assert told[1] == "False"


def test_a_copy_is_made_only_when_a_migration_is_pending(tmp_path, monkeypatch):
    store = opened(tmp_path)
    add(store, "kept")
    store.close()
    opened(tmp_path).close()
    assert not list(tmp_path.glob("backups/*"))

    folder = tmp_path / "migrations"  # a later release: the real migrations and one more
    shutil.copytree(migrations.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    later = (
        f'revision = "9999"\ndown_revision = "{migrations.HEAD}"\nfrom alembic import op\n'
        'def upgrade():\n    op.execute("create table later (id integer)")\n'
    )
    (folder / "versions" / "9999_later.py").write_text(later)
    monkeypatch.setattr(migrations, "FOLDER", folder)
    monkeypatch.setattr(migrations, "HEAD", "9999")
    newer = opened(tmp_path)
    with newer.read() as conn:
        assert conn.execute(text("select count(*) from later")).scalar() == 0
    assert names(newer) == ["kept"]
    newer.close()

    (copy,) = tmp_path.glob("backups/*.db")
    monkeypatch.undo()
    old = Store.open(f"sqlite:///{copy}")
    assert names(old) == ["kept"]
    with pytest.raises(
        Unavailable, match=rf"tator\.db was written by a newer Tator \(schema 9999\).*up to {migrations.HEAD}"
    ):
        opened(tmp_path)


def test_a_failed_migration_leaves_the_old_database(tmp_path, monkeypatch):
    opened(tmp_path).close()
    folder = tmp_path / "migrations"
    shutil.copytree(migrations.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    broken = (
        f'revision = "9999"\ndown_revision = "{migrations.HEAD}"\nfrom alembic import op\n'
        'def upgrade():\n    op.execute("drop table lease")\n    1 / 0\n'
    )
    (folder / "versions" / "9999_broken.py").write_text(broken)
    monkeypatch.setattr(migrations, "FOLDER", folder)
    monkeypatch.setattr(migrations, "HEAD", "9999")
    with pytest.raises(ZeroDivisionError):
        opened(tmp_path)
    monkeypatch.undo()
    with opened(tmp_path).read() as conn:
        assert conn.execute(text("select count(*) from lease")).scalar() == 0


def test_copies_hold_what_was_committed_and_five_are_kept(store, tmp_path):
    add(store, "kept")
    copies = [store.backup(tmp_path / "copies") for _ in range(7)]
    assert len(set(copies)) == 7
    assert sorted((tmp_path / "copies").iterdir()) == sorted(copies)[-5:]
    assert names(Store.open(f"sqlite:///{copies[-1]}")) == ["kept"]


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "tator.db").write_bytes(b"this is no database, though it is long enough to look like one" * 100)
    with pytest.raises(Unavailable, match=r"tator\.db is damaged.*backups"):
        opened(tmp_path)


def test_a_file_damaged_in_the_middle_is_named(tmp_path):
    store = opened(tmp_path)
    for i in range(200):
        add(store, f"{i} {'x' * 150}")
    store.close()
    file = tmp_path / "tator.db"
    whole = file.read_bytes()
    file.write_bytes(whole[:4096] + os.urandom(len(whole) - 4096))
    with pytest.raises(Unavailable, match=r"tator\.db is damaged"):
        names(opened(tmp_path))


def test_another_programs_tables_are_left_alone(tmp_path):
    with sqlite3.connect(tmp_path / "tator.db") as theirs:
        theirs.execute("create table image (id integer)")
    with pytest.raises(Unavailable, match="tables of another program"):
        opened(tmp_path)
    with sqlite3.connect(tmp_path / "tator.db") as theirs:
        assert theirs.execute("select name from sqlite_master").fetchall() == [("image",)]


def test_a_held_database_is_waited_for_then_named(tmp_path):
    store = opened(tmp_path, busy_s=0.3)
    other = sqlite3.connect(tmp_path / "tator.db", isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(Unavailable, match=r"tator\.db is held by another program for more than 0.3 s"):
        add(store, "late")
    assert names(store) == []  # readers are not kept out
    other.rollback()
    add(store, "now")
    assert names(store) == ["now"]


def test_a_short_hold_is_waited_out(tmp_path):
    store = opened(tmp_path)
    other = sqlite3.connect(tmp_path / "tator.db", isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    threading.Timer(0.3, other.rollback).start()
    began = time.monotonic()
    add(store, "patient")
    assert 0.2 < time.monotonic() - began < 5
    assert names(store) == ["patient"]


def test_a_full_disk_is_named_and_loses_nothing_saved(store):
    add(store, "saved")

    @event.listens_for(store.engine, "begin")
    def fill(conn) -> None:  # SQLite's own way to run out of room
        conn.exec_driver_sql("pragma max_page_count = 1")

    with pytest.raises(Unavailable, match=r"disk of .*tator\.db is full.*MB free.*nothing of this was saved"):
        for i in range(1000):
            add(store, f"{i} {'x' * 150}")
    event.remove(store.engine, "begin", fill)
    with store.write() as conn:
        conn.exec_driver_sql("pragma max_page_count = 1000000")
        kept = conn.execute(select(dataset.c.name)).scalars().all()
        assert "saved" in kept
        assert conn.exec_driver_sql("pragma integrity_check").scalar() == "ok"
    store.engine.dispose()
    add(store, "room again")
    assert set(names(store)) == {*kept, "room again"}


READ_ONLY = """
import os, sys
from tator.storage.database import Store
from tator.types import Unavailable
Store.open(sys.argv[1]).close()
if os.geteuid() == 0:
    os.setuid(65534)  # root writes anywhere; all modules are loaded by now
try:
    Store.open(sys.argv[2])
except Unavailable as error:
    print(error)
"""


def test_a_read_only_folder_is_named(tmp_path):
    with tempfile.TemporaryDirectory() as folder:  # not tmp_path, whose parents only its owner may enter
        os.chmod(folder, 0o555)
        urls = [f"sqlite:///{place}/tator.db" for place in (tmp_path, folder)]
        done = subprocess.run([sys.executable, "-c", READ_ONLY, *urls], cwd=ROOT, capture_output=True, text=True)
        assert re.search(r"tator\.db cannot be opened for writing.*read-only", done.stdout), done.stderr


@pytest.mark.parametrize("url", ["sqlite:////proc/nowhere/tator.db", "sqlite:////dev/null/tator.db"])
def test_a_missing_folder_is_named(url):
    with pytest.raises(Unavailable, match="cannot be opened"):
        Store.open(url)


@pytest.mark.parametrize("url", ["nonsense", "oracle9://x", "postgresql+nodriver://user:secret@host/db", "", "://"])
def test_an_address_that_cannot_be_used_is_refused_without_its_password(url):
    with pytest.raises(BadInput, match="address") as caught:
        Store.open(url)
    assert "secret" not in str(caught.value)


def test_queries_compile_for_postgresql():
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.schema import CreateTable

    for table in metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))
