"""Reports with their files, runs, stages and baselines."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "reports",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("created", sa.String(40), nullable=False),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("verdict", sa.String(20)),
        sa.Column("edgeproof", sa.String(40), nullable=False),
    )
    op.create_table(
        "report_files",
        sa.Column("report_id", sa.Integer, sa.ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("report_id", sa.Integer, sa.ForeignKey("reports.id", ondelete="CASCADE"), nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("board", sa.String(200), nullable=False),
        sa.Column("lineage", sa.String(400), nullable=False),
        sa.Column("variant", sa.String(40), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("runtime", sa.String(60), nullable=False),
        sa.Column("threads", sa.Integer),
        sa.Column("answer", sa.String(20)),
        sa.Column("void", sa.Boolean, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
    )
    op.create_index("ix_runs_board_lineage", "runs", ["board", "lineage", "variant", "runtime"])
    op.create_table(
        "stages",
        sa.Column("run_id", sa.Integer, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("stage", sa.String(40), primary_key=True),
        sa.Column("samples", sa.Integer, nullable=False),
        sa.Column("p50_ms", sa.Float, nullable=False),
        sa.Column("p95_ms", sa.Float),
    )
    op.create_table(
        "baselines",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("report_id", sa.Integer, sa.ForeignKey("reports.id", ondelete="CASCADE"), nullable=False),
    )
