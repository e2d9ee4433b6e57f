"""What the reading child answers, frame by frame."""

from __future__ import annotations

import io
import struct
from datetime import UTC, datetime

from gateway.reading import child, frames
from gateway.reading.child import CpuLimit, serve
from gateway.reading.parse import read_mail

ARRIVED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class PoorReader(io.BytesIO):
    """A pipe from which a large frame cannot be read for want of memory."""

    def read(self, size: int | None = -1) -> bytes:
        """As BytesIO, but for large sizes."""
        if size is not None and size > 1000:
            raise MemoryError
        return super().read(size)


def answers_to(requests: io.BytesIO) -> list[bytes]:
    """The payloads that the child writes for these requests."""
    out = io.BytesIO()
    serve(requests, out, 0)
    data, payloads = out.getvalue(), []
    while data:
        (length,) = frames.LENGTH.unpack_from(data)
        payloads.append(data[4 : 4 + length])
        data = data[4 + length :]
    return payloads


def test_each_request_has_its_answer():
    """Small and large mails are answered in their order."""
    small, large = b"Subject: a\n\nb", b"Content-Type: x/y\n\n" + b"z" * 100_000
    requests = io.BytesIO(frames.request(small, ARRIVED) + frames.request(large, ARRIVED))
    first, second = answers_to(requests)
    assert frames.decode_mail(first[1:]) == read_mail(small, arrived=ARRIVED)
    assert frames.decode_mail(second[1:]) == read_mail(large, arrived=ARRIVED)


def test_end_of_input_ends_the_child():
    """A frame that is cut off, in its length or in its mail, is the end."""
    assert answers_to(io.BytesIO(b"")) == []
    assert answers_to(io.BytesIO(b"\0\0")) == []
    assert answers_to(io.BytesIO(struct.pack("!I", 100) + b"short")) == []


def test_exception_is_told():
    """A fault of ours comes back with its traceback."""
    (answer,) = answers_to(io.BytesIO(struct.pack("!I", 2) + b"xx"))
    assert answer.startswith(frames.ERROR + b"Traceback")


def test_want_of_memory_is_told():
    """A mail for which there is no memory is answered so."""
    requests = PoorReader(frames.request(b"x" * 2000, ARRIVED))
    assert answers_to(requests)[0] == frames.MEMORY


def test_limit_of_cpu_time_moves_on_when_a_second_is_used(monkeypatch):
    """Each mail has the whole limit before it and less than a second more, whatever those before it took."""
    used, limits = [0.2], []
    monkeypatch.setattr(child.time, "process_time", lambda: used[0])
    monkeypatch.setattr(child.resource, "setrlimit", lambda _what, limit: limits.append(limit[0]))
    limit = CpuLimit(8)
    left = []
    for used[0] in (0.2, 0.9, 1.0, 1.3, 1.9, 7.5, 7.6):
        limit.begin()
        left.append(limits[-1] - used[0])
    assert all(8 <= one < 9 for one in left)
    assert limits == [9, 10, 16]


def test_no_limit_of_cpu_time_is_none(monkeypatch):
    """Zero means that a mail may take what it takes."""
    limits: list[object] = []
    monkeypatch.setattr(child.resource, "setrlimit", lambda *asked: limits.append(asked))
    CpuLimit(0).begin()
    assert limits == []
