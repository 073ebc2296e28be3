"""The tables of the database, in portable SQL types only.

SQLite is the default; a URL names a PostgreSQL instead.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

NAMES = {  # fixed constraint names, so that migrations work alike on every database
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMES)
BigId = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up by itself only in INTEGER columns
Maybe = JSON(none_as_null=True)  # nothing is SQL's NULL, not JSON's

IMAGE_STATES = ("new", "in_progress", "reviewed")
ANNOTATION_STATUSES = ("candidate", "accepted", "rejected")

dataset = Table(
    "dataset",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("storage", String(16), nullable=False),  # linked: images stay where they are; managed: copied in
    Column("root", Text, nullable=False),  # absolute folder that image paths are relative to
    Column("next_class_id", Integer, nullable=False, default=0),  # class ids are never reused
    Column("settings", JSON, nullable=False, default=dict),
    Column("report", Maybe),  # what the last import read, dropped and repaired
    Column("created_at", Float, nullable=False),  # seconds since 1970
    Column(
        "trash", Maybe
    ),  # of a deleted one: "name" it had, "at", "user", "is_purged" once its rows are going; else nothing
)

label_class = Table(
    "label_class",
    metadata,
    Column("dataset_id", ForeignKey("dataset.id", ondelete="CASCADE"), primary_key=True),
    Column("class_id", Integer, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("color", String(9), nullable=False),  # "#rrggbb"
    Column("position", Integer, nullable=False),  # row of the label map
    Column("retired", Boolean, nullable=False, default=False),  # deleted: kept so that history still reads
    Column("skeleton", Maybe),  # key points: {"names": [...], "edges": [[a, b], ...]}
)

image = Table(
    "image",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("dataset_id", ForeignKey("dataset.id", ondelete="CASCADE"), nullable=False),
    Column("path", String(1000), nullable=False),  # relative to dataset.root, with /
    Column("width", Integer, nullable=False, default=0),  # after EXIF orientation
    Column("height", Integer, nullable=False, default=0),
    Column("sha256", String(64)),
    Column("split", String(16)),  # train, val, test or nothing
    Column("state", String(16), nullable=False, default="new"),
    Column("revision", Integer, nullable=False, default=0),  # number of edits so far
    Column("annotation_count", Integer, nullable=False, default=0),  # accepted ones
    Column("caption", Text),
    Column("tags", Maybe),  # list of texts
    Column("notes", Text),
    Column("problem", Text),  # why it cannot be read; nothing when it can
    UniqueConstraint("dataset_id", "path"),
    Index(None, "dataset_id", "state"),
)

annotation = Table(
    "annotation",
    metadata,
    Column("id", String(64), primary_key=True),  # made by the browser (UUID)
    Column("image_id", ForeignKey("image.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("class_id", Integer, nullable=False),  # label_class.class_id of the same dataset
    Column("x1", Float, nullable=False),  # pixels, x2/y2 exclusive
    Column("y1", Float, nullable=False),
    Column("x2", Float, nullable=False),
    Column("y2", Float, nullable=False),
    Column("polygons", Maybe),  # list of polygons, each a list of rings, each flat [x0, y0, ...]
    Column("rle", Maybe),  # COCO run lengths {"size": [h, w], "counts": str}
    Column("attributes", Maybe),  # see tator.attributes
    Column("confidence", Float),  # nothing where a person drew it
    Column("source", String(100), nullable=False, default="human"),  # human or <backend>@<run>
    Column("status", String(16), nullable=False, default="accepted"),  # one of ANNOTATION_STATUSES
    Column("author", String(100), nullable=False, default=""),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Index(None, "status", "source"),
    # Orders of the review, see editing/review_orders.py; these expressions give boxes without a confidence a place too.
    Index("ix_annotation_by_confidence", "status", text("(coalesce(confidence, -1.0))"), "id"),
    Index("ix_annotation_by_doubt", "status", text("(abs(coalesce(confidence, -1.0) - 0.5))"), "id"),
)

edit = Table(
    "edit",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("image_id", ForeignKey("image.id", ondelete="CASCADE"), nullable=False),
    Column("client_id", String(64), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("user", String(100), nullable=False, default=""),
    Column("kind", String(8), nullable=False, default="edit"),  # edit, undo or redo
    Column("label", String(200), nullable=False, default=""),  # "Draw box": what the history shows
    Column("target_id", BigId),  # the edit that an undo takes back or a redo applies again
    Column("revision", Integer, nullable=False),  # of the image, after this edit
    Column("forward", JSON, nullable=False),  # ops as applied
    Column("inverse", JSON, nullable=False),  # ops that take them back
    Column("created_at", Float, nullable=False),
    UniqueConstraint("client_id", "seq"),
    UniqueConstraint("image_id", "revision"),
)

fingerprint = Table(  # what a file was when last looked at; wrong as soon as its size or time differ
    "fingerprint",
    metadata,
    Column("image_id", ForeignKey("image.id", ondelete="CASCADE"), primary_key=True),
    Column("bytes", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("phash", String(16)),  # perceptual hash, 64 bits in hexadecimal; nothing where it was not asked for
    Column("orientation", Integer),  # EXIF orientation 1 to 8
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("dataset_id", ForeignKey("dataset.id", ondelete="CASCADE"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("sha256", String(64), nullable=False),  # of the content, before compression
    Column("file", String(100), nullable=False),  # in the workspace's snapshots
    Column("images", Integer, nullable=False),
    Column("annotations", Integer, nullable=False),
    Column("user", String(100), nullable=False, default=""),
    Column("created_at", Float, nullable=False),
    Column("trash", Maybe),  # as a dataset's
    UniqueConstraint("dataset_id", "name"),
)

glossary = Table(  # the library; a dataset's own glossary is in its settings
    "glossary",
    metadata,
    Column("key", String(200), primary_key=True),  # the name without case and extra spaces
    Column("name", String(200), nullable=False),
    Column("entries", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("image_id", ForeignKey("image.id", ondelete="CASCADE"), primary_key=True),
    Column("client_id", String(64), primary_key=True),
    Column("user", String(100), nullable=False, default=""),
    Column("expires_at", Float, nullable=False),
)

job = Table(
    "job",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("kind", String(64), nullable=False),  # name of the operation
    Column("arguments", JSON, nullable=False, default=dict),
    Column("user", String(100), nullable=False, default=""),
    Column("state", String(16), nullable=False),
    Column("done", BigInteger, nullable=False, default=0),
    Column("total", BigInteger, nullable=False, default=0),
    Column("rate", Float),  # units a second lately, measured by the process that drives it
    Column("message", Text, nullable=False, default=""),
    Column("result", Maybe),
    Column("error", Maybe),  # {"code", "message"}
    Column("in_child", Boolean, nullable=False, default=False),
    Column("host", String(255), nullable=False, default=""),
    Column("pid", Integer),  # process that drives it, or will while it is queued
    Column("pid_started_at", Float),  # tells it from a later process with the same number
    Column("cancel_requested", Boolean, nullable=False, default=False),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    Index(None, "state"),
    Index(None, "created_at"),
)

job_event = Table(
    "job_event",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("job_id", ForeignKey("job.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("done", BigInteger, nullable=False, default=0),
    Column("total", BigInteger, nullable=False, default=0),
    Column("message", Text, nullable=False, default=""),
    Column("metrics", JSON, nullable=False, default=dict),
)
