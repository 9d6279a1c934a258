"""Tests of bridge_client against a stand-in on loopback that plays scripts.

Time is a clock of the test's own, so no test sleeps. The last class talks to a
real bridge when BRIDGE_URL, OAUTH_CLIENT_ID, OAUTH_CLIENT_SECRET and
HMAC_SECRET_CURRENT are set; it changes the price of product
BRIDGE_TEST_PRODUCT (default 1) and puts it back.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import hmac
import io
import json
import logging
import os
import pickle
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import traceback
import unittest
import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional
from unittest import mock

import handler
from bridge_client import (
    Accepted, BridgeError, Client, Clock, Finished, Refused, StillOpen, Unanswered, UnexpectedAnswer, Untrusted,
    encode, sign, string_to_sign,
)

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))
HMAC_SECRET = VECTORS["secret"]
CLIENT_ID, CLIENT_SECRET = "handler 1", "id:with spaces & signs +%"
BASIC = "Basic aGFuZGxlcisxOmlkJTNBd2l0aCtzcGFjZXMrJTI2K3NpZ25zKyUyQiUyNQ=="
REQUEST_ID = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
JOB_ID = "018e5c3e-0000-7000-8000-000000000001"
START = 1710950400  # unix seconds


class FakeClock(Clock):
    """Sleeping moves it on; nothing else does."""

    def __init__(self) -> None:
        self.now = float(START)
        self.sleeps: List[float] = []

    def unix(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


@dataclass
class Reply:
    """What the stand-in answers. lost: "whole" closes the connection without an
    answer, after the request was read; "half" breaks off inside the body."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    lost: str = ""


@dataclass
class Seen:
    """A request as it arrived."""

    method: str
    uri: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def request_id(self) -> Optional[str]:
        return self.headers.get("X-Request-ID")

    @property
    def payload(self) -> Any:
        packed = self.headers.get("Content-Encoding") == "gzip"
        return json.loads(gzip.decompress(self.body) if packed else self.body)


class Stand:
    """A stand-in for a bridge: checks every signature in its own way and
    answers from a script, the last reply again and again."""

    def __init__(self, clock: FakeClock, script: List[Reply], tls: Optional[ssl.SSLContext] = None) -> None:
        self.clock, self.script = clock, list(script)
        self.seen: List[Seen] = []
        self.faults: List[str] = []
        self.tokens = 0
        self.lifetime = 3600
        self.revoked: set = set()
        self.token_script: List[Reply] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        # A handshake that a test means to fail is no news.
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, seen: Seen) -> Reply:
        if seen.uri.endswith("/oauth/token"):
            return self.token(seen)
        self.verify(seen)
        self.seen.append(seen)
        if seen.headers.get("Authorization") in self.revoked:
            return Reply(401, problem(401, "unauthorized"))
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def token(self, seen: Seen) -> Reply:
        if seen.headers.get("Authorization") != BASIC or seen.body != b"grant_type=client_credentials":
            self.faults.append("the token request is not form-urlencoded inside Basic")
        self.tokens += 1
        if self.token_script:
            return self.token_script.pop(0) if len(self.token_script) > 1 else self.token_script[0]
        return Reply(200, {"access_token": f"token-{self.tokens}", "token_type": "Bearer", "expires_in": self.lifetime})

    def verify(self, seen: Seen) -> None:
        timestamp = seen.headers.get("X-Timestamp") or ""
        text = f"{seen.method}\n{seen.uri}\n{timestamp}\n{seen.request_id}\n{hashlib.sha256(seen.body).hexdigest()}"
        want = hmac.new(HMAC_SECRET.encode(), text.encode(), "sha256").hexdigest()
        if seen.headers.get("X-Signature") != want:
            self.faults.append(f"{seen.method} {seen.uri} is not signed")
        if not timestamp.isdigit() or abs(int(timestamp) - self.clock.now) > 30:
            self.faults.append(f"{seen.method} {seen.uri} is outside the window")
        if uuid.UUID(seen.request_id or "").version != 4:
            self.faults.append(f"{seen.method} {seen.uri} has no UUID version 4")
        typed = "application/json" if seen.method == "POST" else None
        if seen.headers.get("Content-Type") != typed or seen.headers.get("Accept") != "application/json":
            self.faults.append(f"{seen.method} {seen.uri} has the wrong media types")

    def handler(stand) -> type:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                reply = stand.answer(Seen(self.command, self.path, self.headers, body))
                if reply.lost == "whole":
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                raw = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw[: len(raw) // 2] if reply.lost == "half" else raw)

            do_POST = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def problem(status: int, code: str, **more: Any) -> Dict[str, Any]:
    return {"status": status, "code": status, "error_code": code, "detail": "No.", "fix": "Do otherwise.", **more}


def acceptance(**more: Any) -> Dict[str, Any]:
    return {"job_id": JOB_ID, "status": "accepted", "business_success": None, "tracking_url": "/v1/jobs/" + JOB_ID,
            "poll_after_seconds": 1, "message": "", **more}


def job(status: str, **more: Any) -> Dict[str, Any]:
    terminal = status in ("succeeded", "failed", "needs_review", "cancelled")
    return {"job_id": JOB_ID, "kind": "update_product", "status": status, "terminal": terminal, "result": None,
            "business_success": (status == "succeeded") if terminal else None, "error": None, **more}


ACCEPTED = Reply(202, acceptance(), {"Retry-After": "1", "Location": "/v1/jobs/" + JOB_ID})
LOST = Reply(lost="whole")
UNAVAILABLE = Reply(503, problem(503, "store_unavailable"))


class Case(unittest.TestCase):
    def stand(self, *script: Reply, tls: Optional[ssl.SSLContext] = None) -> Stand:
        stand = Stand(self.clock, list(script), tls)
        self.addCleanup(lambda: self.assertEqual(stand.faults, []))
        self.addCleanup(stand.close)
        return stand

    def client(self, stand: Stand, **more: Any) -> Client:
        return Client(stand.url, CLIENT_ID, CLIENT_SECRET, HMAC_SECRET, clock=self.clock, **more)

    def play(self, *script: Reply) -> Any:
        """One write against a script: what came back or was raised, and the stand."""
        stand = self.stand(*script)
        try:
            return self.client(stand).update_product(7, price_ht=Decimal("25.5"), request_id=REQUEST_ID), stand
        except BridgeError as error:
            return error, stand

    def setUp(self) -> None:
        self.clock = FakeClock()
        logging.disable(logging.CRITICAL)
        self.addCleanup(logging.disable, logging.NOTSET)


class Signatures(Case):
    def test_vectors(self) -> None:
        self.assertEqual(len(VECTORS["vectors"]), 6)
        for v in VECTORS["vectors"]:
            text = string_to_sign(v["method"], v["uri"], v["timestamp"], v["request_id"], v["body"].encode())
            self.assertEqual(text.rsplit("\n", 1)[1], v["body_sha256"])
            self.assertEqual(sign(HMAC_SECRET, text), v["signature"])

    def test_the_methods_send_the_vectors_byte_for_byte(self) -> None:
        calls = [
            lambda c, i: c.get_product(123, request_id=i),
            lambda c, i: c.get_order(456, request_id=i),
            lambda c, i: c.update_product(
                123, price_ht=Decimal("25.5"), stock_delta=10, skip_reindex=False, request_id=i),
            lambda c, i: c.get_job("550e8400-e29b-41d4-a716-446655440000", request_id=i.upper()),
            lambda c, i: c.import_products(
                "batch-2026-03-21-01",
                [{"reference": "NEW-001", "name": {"fr": "Nouveau", "en": "New"}, "price_ht": Decimal("10.0"),
                  "stock_quantity": 100, "images_to_download": ["https://assets.example.com/img/new-001.jpg"]}],
                create_if_missing=True, update_if_exists=True, skip_images_errors=False, request_id=i),
            lambda c, i: c.update_order_status(
                456, "shipped", notify_customer=True, tracking_number="TRK123456", request_id=i),
        ]
        for call, v in zip(calls, VECTORS["vectors"]):
            with self.subTest(v["uri"]):
                self.clock.now = v["timestamp"] + 0.9
                reads = Reply(200, job("processing", job_id=v["uri"].rsplit("/", 1)[1]))
                stand = self.stand(reads if v["method"] == "GET" else ACCEPTED)
                call(self.client(stand), v["request_id"])
                got = stand.seen[0]
                self.assertEqual((got.method, got.uri, got.body.decode()), (v["method"], v["uri"], v["body"]))
                self.assertEqual(got.headers["X-Signature"], v["signature"])

    def test_a_path_before_the_door_is_signed_too(self) -> None:
        stand = self.stand(Reply(200, {"id": 7}))
        client = Client(stand.url + "/shop1/", CLIENT_ID, CLIENT_SECRET, HMAC_SECRET, clock=self.clock)
        client.get_product(7)
        self.assertEqual(stand.seen[0].uri, "/shop1/v1/products/7")

    def test_gzip_is_hashed_as_sent_and_the_same_on_every_attempt(self) -> None:
        items = [{"reference": f"REF-{n}", "name": {"en": "Näme"}, "price_ht": Decimal("9.90"), "stock_quantity": 1}
                 for n in range(50)]
        stand = self.stand(LOST, ACCEPTED)
        self.client(stand).import_products("b-1", items)
        first, second = stand.seen
        self.assertEqual(first.headers["Content-Encoding"], "gzip")
        self.assertEqual(first.body, second.body)
        self.assertEqual(first.payload["items"][49]["name"], {"en": "Näme"})

    def test_gzip_begins_above_1024_bytes(self) -> None:
        frame = len('{"product_id":7,"updates":{"seo":{"en":{"meta_title":""}}}}')
        for size, packed in ((1024, None), (1025, "gzip")):
            stand = self.stand(ACCEPTED)
            self.client(stand).update_product(7, seo={"en": {"meta_title": "x" * (size - frame)}})
            self.assertEqual(stand.seen[0].headers.get("Content-Encoding"), packed)
            self.assertEqual(len(json.dumps(stand.seen[0].payload, separators=(",", ":"))), size)

    def test_amounts_keep_their_digits_and_floats_never_leave(self) -> None:
        self.assertEqual(encode({"a": Decimal("1E+2"), "b": [Decimal("0.10"), True, None, "é"]}),
                         '{"a":100,"b":[0.10,true,null,"é"]}')
        stand = self.stand(Reply(200, b'{"price_ht":0.1000000000000000055}'))
        self.assertEqual(self.client(stand).get_product(7)["price_ht"], Decimal("0.1000000000000000055"))
        for price in (25.5, Decimal("NaN"), Decimal("Infinity")):
            with self.assertRaises((TypeError, ValueError)):
                self.client(stand).update_product(7, price_ht=price)  # type: ignore[arg-type]
        self.assertEqual(len(stand.seen), 1)

    def test_arguments_that_never_leave(self) -> None:
        stand = self.stand(ACCEPTED)
        client = self.client(stand)
        for call in (
            lambda: client.get_product(0), lambda: client.get_order(True), lambda: client.get_product("7/../8"),  # type: ignore[arg-type]
            lambda: client.get_job("../../etc"), lambda: client.wait("x"),
            lambda: client.update_product(7, stock_delta=1, request_id="f47ac10b-58cc-1372-a567-0e02b2c3d479"),
        ):
            with self.assertRaises(ValueError):
                call()
        self.assertEqual((stand.seen, stand.tokens), ([], 0))


class AcceptedIsNotSuccess(Case):
    def test_an_accepted_cannot_be_read_as_success(self) -> None:
        accepted, _ = self.play(ACCEPTED)
        self.assertEqual(accepted, Accepted(JOB_ID, "accepted", 1.0, REQUEST_ID))
        for use in (lambda: bool(accepted), lambda: not accepted, lambda: accepted and 1, lambda: 1 if accepted else 0):
            with self.assertRaisesRegex(TypeError, "neither true nor false"):
                use()
        for name in ("success", "succeeded", "business_success", "ok", "result"):
            self.assertFalse(hasattr(accepted, name), name)
        for status in ("succeeded", "failed", "done", ""):
            with self.assertRaises(ValueError):
                Accepted(JOB_ID, status)
        with self.assertRaises(AttributeError):
            accepted.status = "succeeded"

    def test_only_a_succeeded_job_with_business_success_is_one(self) -> None:
        for status, success, want in (
            ("succeeded", True, True), ("succeeded", None, False), ("succeeded", False, False), ("succeeded", "true", False),
            ("succeeded", 1, False), ("failed", True, False), ("failed", False, False), ("needs_review", False, False),
            ("cancelled", False, False),
        ):
            with self.subTest(f"{status} {success!r}"):
                stand = self.stand(Reply(200, job(status, business_success=success)))
                end = self.client(stand).get_job(JOB_ID)
                self.assertIsInstance(end, Finished)
                self.assertIs(end.succeeded, want)  # type: ignore[union-attr]
                with self.assertRaises(TypeError):
                    bool(end)  # a failed job is an object, and objects are true

    def test_answers_in_between_are_believed_in_no_respect(self) -> None:
        for name, reply in {
            "202 that says true": Reply(202, acceptance(business_success=True)),
            "202 that says false": Reply(202, acceptance(business_success=False)),
            "202 that is terminal": Reply(202, acceptance(terminal=True)),
            "202 with a finished job": Reply(202, job("succeeded")),
            "202 with a new status": Reply(202, acceptance(status="done")),
            "202 with a status that is none": Reply(202, acceptance(status=["succeeded"])),
            "202 without a job": Reply(202, {"ok": True}),
            "202 with an id that is a path": Reply(202, acceptance(job_id="../../oauth/token")),
            "202 that is not JSON": Reply(202, b"ok"),
            "202 that is a list": Reply(202, [acceptance()]),
            "200 with an unfinished job": Reply(200, job("processing")),
            "200 with something else": Reply(200, {"ok": True}),
            "204": Reply(204, b""),
        }.items():
            with self.subTest(name):
                outcome, stand = self.play(reply)
                self.assertIsInstance(outcome, UnexpectedAnswer)
                self.assertEqual((outcome.request_id, len(stand.seen)), (REQUEST_ID, 1))

    def test_a_read_takes_no_202(self) -> None:
        stand = self.stand(ACCEPTED)
        for read in (self.client(stand).get_product, self.client(stand).get_order):
            with self.assertRaises(UnexpectedAnswer):
                read(7)
        with self.assertRaises(UnexpectedAnswer):
            self.client(stand).get_job(JOB_ID)


class Waiting(Case):
    def test_202_then_states_to_every_end(self) -> None:
        for end in ("succeeded", "failed", "needs_review", "cancelled"):
            with self.subTest(end):
                stand = self.stand(ACCEPTED, *(Reply(200, job(s)) for s in ("accepted", "processing", "retrying", end)))
                client = self.client(stand)
                accepted = client.update_product(7, stock_delta=-1)
                began = self.clock.now
                finished = client.wait(accepted)
                self.assertEqual((finished.status, finished.succeeded), (end, end == "succeeded"))
                polls = stand.seen[1:]
                self.assertEqual([p.uri for p in polls], ["/v1/jobs/" + JOB_ID] * 4)
                self.assertEqual(len({p.request_id for p in stand.seen}), 5)
                # One second was advised before the first look, then the client's own pace.
                self.assertAlmostEqual(self.clock.now - began, 1 + 0.5 + 0.75 + 1.125)
                self.assertIs(client.wait(finished), finished)

    def test_advice_is_followed(self) -> None:
        stand = self.stand(Reply(200, job("processing"), {"Retry-After": "9"}),
                           Reply(200, job("processing", poll_after_seconds=7)), Reply(200, job("succeeded")))
        self.assertTrue(self.client(stand).wait(JOB_ID.upper()).succeeded)
        self.assertEqual(self.clock.sleeps, [9, 7])

    def test_a_job_that_does_not_end(self) -> None:
        stand = self.stand(Reply(200, job("awaiting_approval")))
        with self.assertRaises(StillOpen) as caught:
            self.client(stand).wait(JOB_ID, deadline_seconds=600)
        self.assertEqual(self.clock.now - START, 600)
        self.assertEqual((caught.exception.job_id, caught.exception.status), (JOB_ID, "awaiting_approval"))
        self.assertLess(len(stand.seen), 150)  # far below 100 reads a minute

    def test_advice_beyond_the_deadline_ends_the_wait_at_once(self) -> None:
        stand = self.stand(Reply(200, job("processing"), {"Retry-After": "3600"}))
        with self.assertRaises(StillOpen):
            self.client(stand).wait(JOB_ID, deadline_seconds=60)
        self.assertEqual((len(stand.seen), self.clock.sleeps), (1, []))

    def test_trouble_on_the_way_is_waited_out(self) -> None:
        stand = self.stand(*[LOST] * 6, *[UNAVAILABLE] * 6,
                           Reply(429, problem(429, "rate_limited"), {"Retry-After": "61"}), Reply(200, job("succeeded")))
        self.assertTrue(self.client(stand).wait(JOB_ID, deadline_seconds=300).succeeded)

    def test_trouble_to_the_end_is_told(self) -> None:
        stand = self.stand(UNAVAILABLE)
        with self.assertRaises(StillOpen) as caught:
            self.client(stand).wait(JOB_ID, deadline_seconds=30)
        self.assertIsInstance(caught.exception.__cause__, Refused)
        self.assertLessEqual(self.clock.now - START, 30)

    def test_a_refusal_ends_the_wait(self) -> None:
        stand = self.stand(Reply(404, problem(404, "not_found")))
        with self.assertRaises(Refused):
            self.client(stand).wait(JOB_ID)

    def test_another_job_is_not_taken_for_this_one(self) -> None:
        stand = self.stand(Reply(200, job("succeeded", job_id=str(uuid.uuid4()))))
        with self.assertRaises(UnexpectedAnswer):
            self.client(stand).wait(JOB_ID)


class Retries(Case):
    def test_what_passes_is_sent_again_under_the_same_id(self) -> None:
        limited = Reply(429, problem(429, "rate_limited"), {"Retry-After": "7"})
        for name, script, sent, least, most in (
            ("lost once", [LOST, ACCEPTED], 2, 0.25, 0.5),
            ("lost inside the answer", [Reply(202, acceptance(), lost="half"), ACCEPTED], 2, 0.25, 0.5),
            ("lost four times", [LOST] * 4 + [ACCEPTED], 5, 3.75, 7.5),
            ("limited twice", [limited, limited, ACCEPTED], 3, 14, 15),
            ("503 with a time", [Reply(503, problem(503, "x"), {"Retry-After": "5"}), ACCEPTED], 2, 5, 5.5),
            ("503 without", [UNAVAILABLE, ACCEPTED], 2, 0.25, 0.5),
            ("a proxy's 502 and 504", [Reply(502, b"bad gateway"), Reply(504, b""), ACCEPTED], 3, 0.75, 1.5),
            ("a time that is none", [Reply(503, b"", {"Retry-After": "-5"}), ACCEPTED], 2, 0.25, 0.5),
        ):
            with self.subTest(name):
                began = self.clock.now
                outcome, stand = self.play(*script)
                self.assertIsInstance(outcome, Accepted)
                self.assertEqual([s.request_id for s in stand.seen], [REQUEST_ID] * sent)
                self.assertEqual(len({s.body for s in stand.seen}), 1)
                self.assertTrue(least <= self.clock.now - began <= most, self.clock.now - began)

    def test_an_id_of_its_own_comes_again_too(self) -> None:
        stand = self.stand(LOST, ACCEPTED)
        accepted = self.client(stand).update_order_status(456, "shipped")
        self.assertEqual([s.request_id for s in stand.seen], [accepted.request_id] * 2)  # type: ignore[union-attr]

    def test_tries_are_bounded(self) -> None:
        outcome, stand = self.play(UNAVAILABLE)
        self.assertEqual((outcome.status, outcome.error_code, len(stand.seen)), (503, "store_unavailable", 5))
        outcome, stand = self.play(LOST)
        self.assertIsInstance(outcome, Unanswered)
        self.assertEqual((outcome.request_id, len(stand.seen)), (REQUEST_ID, 5))
        self.assertIn(REQUEST_ID, str(outcome))  # or nobody could ask what became of the write
        outcome, stand = self.play(Reply(429, problem(429, "rate_limited"), {"Retry-After": "3600"}))
        self.assertEqual((outcome.retry_after_seconds, len(stand.seen)), (3600, 1))

    def test_nobody_listens(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with self.assertRaises(Unanswered):
            Client(url, CLIENT_ID, CLIENT_SECRET, HMAC_SECRET, clock=self.clock, attempts=2).get_product(7)
        self.assertEqual(len(self.clock.sleeps), 1)

    def test_refusals_are_sent_once(self) -> None:
        for status, code in ((400, "schema_violation"), (403, "bad_signature"), (404, "not_found"), (409, "idempotency_conflict"),
                             (413, "payload_too_large"), (422, "policy_refused"), (500, "internal_error")):
            with self.subTest(code):
                outcome, stand = self.play(Reply(status, problem(status, code, rule="ht-only", errors={"/updates": ["no"]})))
                self.assertIsInstance(outcome, Refused)
                self.assertEqual(
                    (outcome.status, outcome.error_code, outcome.rule, outcome.fix, outcome.errors, outcome.job, outcome.request_id),
                    (status, code, "ht-only", "Do otherwise.", {"/updates": ["no"]}, None, REQUEST_ID))
                self.assertEqual((len(stand.seen), self.clock.sleeps), (1, []))

    def test_known_failed_replay_brings_its_job(self) -> None:
        error = {"code": "outcome_unknown", "message": "A person must look.", "fix": "Compare."}
        outcome, _ = self.play(LOST, Reply(409, problem(409, "known_failed_replay", job=job("needs_review", error=error))))
        self.assertEqual((outcome.error_code, outcome.job.status, outcome.job.error), ("known_failed_replay", "needs_review", error))
        self.assertFalse(outcome.job.succeeded)

    def test_a_replay_is_the_finished_job(self) -> None:
        outcome, _ = self.play(LOST, Reply(200, job("succeeded", result={"price_ht": 25.5}), {"Idempotent-Replayed": "true"}))
        self.assertTrue(outcome.succeeded and outcome.replayed)
        self.assertEqual(outcome.result, {"price_ht": Decimal("25.5")})

    def test_redirects_are_not_followed(self) -> None:
        other = self.stand(Reply(200, job("succeeded")))
        for status in (301, 302, 303, 307, 308):
            outcome, stand = self.play(Reply(status, b"", {"Location": other.url + "/v1/jobs/" + JOB_ID}))
            self.assertIsInstance(outcome, UnexpectedAnswer)
            self.assertEqual((len(stand.seen), other.seen, other.tokens), (1, [], 0))


class Tokens(Case):
    def test_one_for_many_until_a_minute_before_its_end(self) -> None:
        stand = self.stand(Reply(200, {"id": 7}))
        client = self.client(stand)
        threads = [threading.Thread(target=client.get_product, args=(7,)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((len(stand.seen), stand.tokens), (20, 1))
        for wait, tokens in ((3539, 1), (1, 2)):
            self.clock.now += wait
            client.get_product(7)
            self.assertEqual(stand.tokens, tokens)

    def test_a_short_one_is_used_for_half_its_life(self) -> None:
        stand = self.stand(Reply(200, {"id": 7}))
        stand.lifetime = 60
        client = self.client(stand)
        for wait, tokens in ((0, 1), (29, 1), (1, 2)):
            self.clock.now += wait
            client.get_product(7)
            self.assertEqual(stand.tokens, tokens)

    def test_a_refused_one_is_replaced_once(self) -> None:
        stand = self.stand(ACCEPTED)
        stand.revoked = {"Bearer token-1"}
        client = self.client(stand)
        client.update_product(7, stock_delta=1, request_id=REQUEST_ID)
        self.assertEqual([(s.headers["Authorization"], s.request_id) for s in stand.seen],
                         [("Bearer token-1", REQUEST_ID), ("Bearer token-2", REQUEST_ID)])
        stand.revoked = {"Bearer token-2", "Bearer token-3"}
        with self.assertRaises(Refused) as caught:
            client.update_product(7, stock_delta=1)
        self.assertEqual((caught.exception.status, stand.tokens, self.clock.sleeps), (401, 3, []))

    def test_the_endpoint_refuses(self) -> None:
        for reply, asked, code in (
            (Reply(401, {"error": "invalid_client", "error_description": CLIENT_SECRET}), 1, "invalid_client"),
            (Reply(503, {"error": "temporarily_unavailable"}, {"Retry-After": "2"}), 5, "temporarily_unavailable"),
            (Reply(429, {"error": "slow_down"}, {"Retry-After": "61"}), 1, "slow_down"),
            (Reply(418, b"teapot"), 1, ""),
        ):
            with self.subTest(code):
                stand = self.stand(ACCEPTED)
                stand.token_script = [reply]
                with self.assertRaises(Refused) as caught:
                    self.client(stand).get_product(7)
                self.assertEqual((caught.exception.status, caught.exception.error_code), (reply.status, code))
                self.assertEqual((stand.tokens, stand.seen), (asked, []))

    def test_it_is_away_for_a_moment(self) -> None:
        stand = self.stand(ACCEPTED)
        stand.token_script = [LOST, Reply(200, {"access_token": "t", "token_type": "bearer", "expires_in": 3600})]
        self.client(stand).update_product(7, stock_delta=1)
        self.assertEqual(len(stand.seen), 1)


class Secrecy(Case):
    def secrets(self) -> List[str]:
        return [CLIENT_SECRET, HMAC_SECRET, BASIC.split()[1], "token-1", "hunter2", "id%3Awith"]

    def assertSilent(self, text: str) -> None:
        for secret in self.secrets():
            self.assertFalse(secret in text, f"{secret} shows")

    def test_reprs(self) -> None:
        stand = self.stand(Reply(200, {"id": 7}))
        client = self.client(stand)
        client.get_product(7)
        self.assertSilent(repr(client) + repr(vars(client)) + str(client))
        with self.assertRaises(Exception):
            pickle.dumps(client)

    def test_errors_and_logs(self) -> None:
        echo = Reply(502, f"Bearer token-1 {CLIENT_SECRET} {HMAC_SECRET}".encode())
        for name, token, reply in (
            ("network", None, LOST), ("echoing proxy", None, echo), ("refused", None, Reply(403, echo.body)),
            ("echo for a token", echo, ACCEPTED),
            ("description for a token", Reply(401, {"error": "invalid_client", "error_description": CLIENT_SECRET}), ACCEPTED),
            ("token of another type", Reply(200, {"access_token": "hunter2", "token_type": "mac"}), ACCEPTED),
            ("token that is no header", Reply(200, {"access_token": "hunter2\nX: y", "token_type": "bearer"}), ACCEPTED),
            ("token that is no latin-1", Reply(200, {"access_token": "hunter2☃", "token_type": "bearer"}), ACCEPTED),
            ("no JSON for a token", Reply(200, b"hunter2"), ACCEPTED),
        ):
            with self.subTest(name):
                stand = self.stand(reply)
                stand.token_script = [token] if token else []
                logging.disable(logging.NOTSET)
                with self.assertLogs(level="DEBUG") as logs:
                    logging.getLogger("test").debug("one line at least")
                    try:
                        self.client(stand).update_product(7, price_ht=1)
                        self.fail("no error")
                    except BridgeError as error:
                        told = repr(error) + repr(vars(error))
                        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
                # The first frame is this one, where all of them are known.
                self.assertSilent(told + "".join(trace.stack.format()[1:]) + str(logs.output))

    def test_settings_that_would_show_them(self) -> None:
        for url in ("http://bridge.example.com", "ftp://127.0.0.1", "https://", "https://u:p@host", "https://h/?q", "https://h/a b"):
            with self.assertRaises(ValueError):
                Client(url, CLIENT_ID, CLIENT_SECRET, HMAC_SECRET)
        Client("http://bridge.example.com", CLIENT_ID, CLIENT_SECRET, HMAC_SECRET, allow_plain_http=True)
        for client_id, client_secret, hmac_secret in (("", "hunter2", "h"), ("i", "", "h"), ("i", "hunter2", "hunter2é")):
            with self.assertRaises(ValueError) as caught:
                Client("https://bridge.example.com", client_id, client_secret, hmac_secret)
            self.assertSilent(str(caught.exception))


@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed to make a certificate")
class TLS(Case):
    @contextlib.contextmanager
    def certificate(self, name: str) -> Iterator[str]:
        with tempfile.TemporaryDirectory() as folder:
            pem = os.path.join(folder, "both.pem")
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                 "-subj", "/CN=test", "-addext", "subjectAltName=" + name, "-keyout", pem, "-out", pem + ".crt"],
                check=True, capture_output=True)
            with open(pem, "a") as key, open(pem + ".crt") as cert:
                key.write(cert.read())
            yield pem

    def serve(self, pem: str) -> Stand:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        return self.stand(Reply(200, {"id": 7}), tls=context)

    def test_only_a_trusted_certificate_of_that_host_will_do(self) -> None:
        with self.certificate("IP:127.0.0.1") as pem:
            stand = self.serve(pem)
            self.assertEqual(self.client(stand, ca_file=pem + ".crt").get_product(7), {"id": 7})
            tokens = stand.tokens
            with self.assertRaises(Untrusted):
                self.client(stand).get_product(7)
        with self.certificate("DNS:elsewhere.example") as pem:
            elsewhere = self.serve(pem)
            with self.assertRaises(Untrusted):
                self.client(elsewhere, ca_file=pem + ".crt").get_product(7)
        self.assertEqual((stand.tokens, elsewhere.tokens, self.clock.sleeps), (tokens, 0, []))


class Handler(Case):
    """The example program: exit status 0 only on success."""

    def run_it(self, *script: Reply, arguments: str = "7 25.50 --deadline 10") -> int:
        stand = self.stand(*script)
        settings = dict(zip(handler.SETTINGS, (stand.url, CLIENT_ID, CLIENT_SECRET, HMAC_SECRET)))
        quiet = io.StringIO()
        with mock.patch.dict(os.environ, settings), mock.patch.object(sys, "argv", ["handler.py", *arguments.split()]), \
                mock.patch.object(handler, "Client", lambda *a: Client(*a, clock=self.clock)), \
                contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
            try:
                return handler.main()
            except SystemExit as stopped:
                return int(stopped.code or 0)

    def test_exit_status(self) -> None:
        for name, script, want in (
            ("succeeded", [ACCEPTED, Reply(200, job("processing")), Reply(200, job("succeeded"))], 0),
            ("done before", [Reply(200, job("succeeded"), {"Idempotent-Replayed": "true"})], 0),
            ("failed", [ACCEPTED, Reply(200, job("failed"))], 1),
            ("needs review", [ACCEPTED, Reply(200, job("needs_review"))], 1),
            ("refused", [Reply(422, problem(422, "policy_refused"))], 1),
            ("accepted for ever", [ACCEPTED, Reply(200, job("processing"))], 3),
            ("accepted, then out of sight", [ACCEPTED, Reply(403, problem(403, "source_ip_refused"))], 3),
            ("accepted twice is no success", [ACCEPTED, ACCEPTED], 3),
            ("never answered", [LOST], 3),
            ("unavailable", [UNAVAILABLE], 3),
        ):
            with self.subTest(name):
                self.assertEqual(self.run_it(*script), want)
        for arguments in ("7 cheap", "7", "7 25.50 --request-id x", "7 NaN"):
            with self.subTest(arguments):
                self.assertEqual(self.run_it(ACCEPTED, arguments=arguments), 2)


class EndToEnd(unittest.TestCase):
    """Against a real bridge: real time, a real shop behind it."""

    @classmethod
    def setUpClass(cls) -> None:
        missing = [name for name in handler.SETTINGS if not os.environ.get(name)]
        if missing:
            reason = "no bridge to test against: not set: " + ", ".join(missing)
            print("skipped EndToEnd:", reason, file=sys.stderr)
            raise unittest.SkipTest(reason)
        cls.settings = [os.environ[name] for name in handler.SETTINGS]
        cls.client = Client(*cls.settings)
        cls.product = int(os.environ.get("BRIDGE_TEST_PRODUCT") or 1)

    def test_a_price_goes_up_and_back_exactly_once(self) -> None:
        before = Decimal(self.client.get_product(self.product)["price_ht"])
        after, intention = before + Decimal("0.01"), str(uuid.uuid4())
        accepted = self.client.update_product(self.product, price_ht=after, request_id=intention)
        self.assertIsInstance(accepted, Accepted)
        self.addCleanup(lambda: self.assertTrue(
            self.client.wait(self.client.update_product(self.product, price_ht=before)).succeeded))
        end = self.client.wait(accepted)
        self.assertTrue(end.succeeded, end)
        self.assertEqual(self.client.get_product(self.product)["price_ht"], after)
        again = self.client.update_product(self.product, price_ht=after, request_id=intention)
        self.assertIsInstance(again, Finished)
        self.assertEqual((again.job_id, again.replayed), (end.job_id, True))  # type: ignore[union-attr]
        with self.assertRaises(Refused) as caught:
            self.client.update_product(self.product, price_ht=after + 1, request_id=intention)
        self.assertEqual((caught.exception.status, caught.exception.error_code), (409, "idempotency_conflict"))

    def test_a_packed_batch_is_verified_before_it_is_refused(self) -> None:
        # Tax-included prices are refused after the signature and gzip are read,
        # so nothing is imported.
        items = [{"reference": f"PY-{n}", "name": {"en": "x"}, "price_ttc": 1, "stock_quantity": 0} for n in range(50)]
        with self.assertRaises(Refused) as caught:
            self.client.import_products("py-" + uuid.uuid4().hex, items)
        self.assertEqual((caught.exception.status, caught.exception.rule), (422, "ht-only"))

    def test_wrong_secrets_are_refused(self) -> None:
        url, client_id, client_secret, hmac_secret = self.settings
        for secrets, status in (((client_secret, hmac_secret + "x"), 403), ((client_secret + "x", hmac_secret), 401)):
            with self.assertRaises(Refused) as caught:
                Client(url, client_id, *secrets).get_product(self.product)
            self.assertEqual(caught.exception.status, status)
            self.assertNotIn(client_secret, str(caught.exception))


if __name__ == "__main__":
    unittest.main()
