"""The PostgreSQL of the tests: it answers, its databases are apart, and it goes when the run goes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from peers.ports import until
from peers.postgres import PostgresServer, private_cluster

TESTS = Path(__file__).parents[1]

HOLDER = """
import sys, time
from peers.postgres import private_cluster
with private_cluster() as cluster:
    print(cluster.base, cluster.folder, flush=True)
    time.sleep(60)
"""


def test_create_from_a_template_copies_its_tables(postgres: PostgresServer) -> None:
    """A database made from a template has the template's rows, and a change in it stays in it."""
    with psycopg.connect(postgres.create("selftest_template")) as connection:
        connection.execute("CREATE TABLE word AS SELECT 'cotação' AS text")
    with psycopg.connect(postgres.create("selftest_copy", template="selftest_template")) as connection:
        assert connection.execute("SELECT text FROM word").fetchall() == [("cotação",)]
        connection.execute("DELETE FROM word")
    with psycopg.connect(postgres.url("selftest_template")) as connection:
        assert connection.execute("SELECT count(*) FROM word").fetchone() == (1,)
    postgres.drop("selftest_copy")
    postgres.drop("selftest_template")


def test_drop_of_a_database_in_use_drops_it(postgres: PostgresServer) -> None:
    """A database goes although somebody is still connected to it."""
    with psycopg.connect(postgres.create("selftest_busy")) as connection:
        postgres.drop("selftest_busy")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_database_url_is_empty_and_reachable(database_url: str) -> None:
    """The fixture gives an address on both kinds of database, and the one on PostgreSQL answers."""
    if database_url.startswith("sqlite:"):
        assert not Path(database_url.removeprefix("sqlite:///")).exists()
        return
    with psycopg.connect(database_url) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_stat_user_tables").fetchone()
    assert tables == (0,)


def test_cluster_stopped_at_once_recovers_at_the_next_start() -> None:
    """A cluster that keeps its promises on disk has a committed row after an immediate stop and a start."""
    with private_cluster(fsync=True) as cluster:
        with psycopg.connect(f"{cluster.base}/postgres") as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        cluster.stop(signal.SIGQUIT)
        cluster.start()
        with psycopg.connect(f"{cluster.base}/postgres") as connection:
            assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_server_ends_when_its_test_run_is_killed() -> None:
    """After kill -9 of the process that started it, the server and its folder are gone."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        base, folder = holder.stdout.readline().split()
        psycopg.connect(f"{base}/postgres").close()
        holder.send_signal(signal.SIGKILL)
    until(lambda: not Path(folder).exists(), 20, "the folder goes")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(f"{base}/postgres", connect_timeout=2)
