"""Requests on which two readers could disagree: each is refused once, and nothing behind it is ever answered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.processes import Server
from tests.support.raw import exchange, statuses

pytestmark = pytest.mark.process

SECOND = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nX-Smuggled: yes\r\nConnection: close\r\n\r\n"
CHUNKED = b"POST /session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CORPUS = {
    "CL.TE": CHUNKED + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SECOND,
    "TE.CL": CHUNKED + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n" + SECOND + b"\r\n0\r\n\r\n",
    "two lengths that differ": CHUNKED + b"Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}" + SECOND,
    "two lengths alike": CHUNKED + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" + SECOND,
    "two lengths in one line": CHUNKED + b"Content-Length: 2, 2\r\n\r\n{}" + SECOND,
    "length with a sign": CHUNKED + b"Content-Length: +2\r\n\r\n{}" + SECOND,
    "length in hexadecimal": CHUNKED + b"Content-Length: 0x2\r\n\r\n{}" + SECOND,
    "length below nothing": CHUNKED + b"Content-Length: -1\r\n\r\n" + SECOND,
    "length that overflows": CHUNKED + b"Content-Length: 18446744073709551618\r\n\r\n{}" + SECOND,
    "encoding by another name": CHUNKED + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SECOND,
    "identity": CHUNKED + b"Transfer-Encoding: identity\r\n\r\n{}" + SECOND,
    "gzip, chunked": CHUNKED + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + SECOND,
    "chunked twice": CHUNKED + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SECOND,
    "chunked, then something": CHUNKED + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SECOND,
    "encoding with a blank before the colon": CHUNKED + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SECOND,
    "encoding behind a tab": CHUNKED + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + SECOND,
    "encoding on a folded line": CHUNKED + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + SECOND,
    "encoding behind a bare LF": CHUNKED + b"X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SECOND,
    "encoding behind a bare CR": CHUNKED + b"X: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SECOND,
    "chunked in HTTP/1.0": CHUNKED.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SECOND,
    "chunk size with 0x": CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n" + SECOND,
    "chunk size with a sign": CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n" + SECOND,
    "chunk size below nothing": CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n" + SECOND,
    "chunk size that overflows": CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n" + SECOND,
    "chunk size with a bare LF": CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n" + SECOND,
    "chunk longer than its size": CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}xx\r\n0\r\n\r\n" + SECOND,
    "chunk without an end": CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n" + SECOND,
    "extension with a line in it": CHUNKED + b'Transfer-Encoding: chunked\r\n\r\n2;a="\n"\r\n{}\r\n0\r\n\r\n' + SECOND,
    "bare LF in the head": b"GET /readyz HTTP/1.1\nHost: localhost\n\n" + SECOND,
    "two hosts": b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    "no host": b"GET /readyz HTTP/1.1\r\nConnection: close\r\n\r\n",
    "host on a folded line": b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n evil.example\r\n\r\n",
    "a blank before the first header": b"GET /readyz HTTP/1.1\r\n Host: localhost\r\n\r\n" + SECOND,
    "another host in the target": b"GET http://evil.example/readyz HTTP/1.1\r\nHost: localhost\r\n\r\n" + SECOND,
    "NUL in a name": b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nX\x00: a\r\n\r\n" + SECOND,
    "NUL in a value": b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n" + SECOND,
    "HTTP/2 by prior knowledge": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SECOND,
    "a version that is none": b"GET /readyz HTTP/9.9\r\nHost: localhost\r\n\r\n" + SECOND,
    "a method that is none": b"GET\x00 /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n" + SECOND,
    "CONNECT": b"CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\n\r\n" + SECOND,
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + SECOND,
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server."""
    with Server(tmp_path_factory.mktemp("smuggling")) as running:
        yield running


@pytest.mark.parametrize("name", CORPUS)
def test_what_could_be_read_in_two_ways_is_refused(server: Server, name: str) -> None:
    """An ambiguous request gets one refusal, the connection ends, and what was hidden behind it is not answered."""
    answer = exchange(server.port, CORPUS[name])
    assert statuses(answer) in ([400], [421]), answer
    assert b"server:" not in answer.lower()


def test_chunks_that_are_right_are_read(server: Server) -> None:
    """A chunked body, in pieces and with an extension, is an ordinary body; the next request is answered too."""
    body = b"Transfer-Encoding: chunked\r\n\r\n1;a=b\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
    assert statuses(exchange(server.port, CHUNKED + body + SECOND)) == [400, 200]


@pytest.mark.parametrize("method", ["TRACE", "PUT", "PATCH", "PROPFIND", "MKCOL", "M-SEARCH"])
def test_other_methods_are_not_there(server: Server, method: str) -> None:
    """TRACE and methods that no endpoint has are answered with 405, and echo nothing."""
    raw = b"%b /session HTTP/1.1\r\nHost: localhost\r\nX-Secret: 12345\r\nConnection: close\r\n\r\n" % method.encode()
    answer = exchange(server.port, raw)
    assert statuses(answer) == [405]
    assert b"12345" not in answer
    assert b"allow: DELETE, GET, HEAD, POST" in answer


def test_an_unknown_method_is_refused(server: Server) -> None:
    """A word that is no method at all is refused before anything is looked at."""
    assert statuses(exchange(server.port, b"FROB / HTTP/1.1\r\nHost: localhost\r\n\r\n")) == [400]


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"])
def test_a_method_cannot_be_overridden(server: Server, name: str) -> None:
    """A POST that calls itself DELETE in a header stays a POST."""
    raw = CHUNKED + b"%b: DELETE\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}" % name.encode()
    answer = exchange(server.port, raw)
    assert statuses(answer) == [400]
    assert b"email" in answer


def test_there_is_no_websocket(server: Server) -> None:
    """Who asks for a websocket gets an ordinary answer, the last one of the connection."""
    raw = (
        b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    answer = exchange(server.port, raw + SECOND)
    assert statuses(answer) == [200]
    assert b"connection: close" in answer.lower()
    assert "pgrade" not in server.log


@pytest.mark.parametrize("path", ["/session", "/oauth/token", "/sign-up"])
@pytest.mark.parametrize("kind", [b"multipart/form-data; boundary=x", b"application/octet-stream", b"image/png"])
def test_uploads_are_refused(server: Server, path: str, kind: bytes) -> None:
    """Multipart and files are 415 everywhere; nothing is parsed."""
    body = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nabc\r\n--x--\r\n'
    head = b"POST %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"
    assert statuses(exchange(server.port, head % (path.encode(), kind, len(body)) + body)) == [415]


def test_an_oversized_body_is_refused_before_it_is_read(server: Server) -> None:
    """A body that says it is too long gets 413 at once; one that turns out too long gets it when it does."""
    assert statuses(exchange(server.port, CHUNKED + b"Content-Length: 70000\r\n\r\n")) == [413]
    chunk = b"4000\r\n" + b"a" * 0x4000 + b"\r\n"
    answer = exchange(server.port, CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 5 + b"0\r\n\r\n" + SECOND)
    assert statuses(answer) == [413]
