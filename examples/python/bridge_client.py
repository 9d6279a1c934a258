"""A client of the bridge's REST door, with nothing but the standard library.

It fetches and renews access tokens, signs every request, compresses large
ones, and sends a request whose answer was lost again under the same
X-Request-ID, by which the bridge knows that it is the same intention.

A write is answered with Accepted: the bridge will do it, nothing is done yet.
Only a Finished whose .succeeded is True says that the shop was changed, and
Client.wait is the way from the one to the other. Neither can be used as a
truth value: "if client.update_product(...):" raises TypeError.

    client = Client("https://bridge.example.com", client_id, client_secret, hmac_secret)
    job = client.update_product(7, price_ht=Decimal("25.50"))
    if client.wait(job).succeeded:
        ...

Everything that can go wrong is a BridgeError; see there for its kinds. All
durations are in seconds. No repr, message or log line holds a secret.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import http.client
import json
import logging
import random
import re
import ssl
import threading
import time
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Dict, List, Mapping, NoReturn, Optional, Sequence, Union

__all__ = [
    "Accepted", "BridgeError", "Client", "Clock", "Finished", "Outcome", "Refused",
    "StillOpen", "Unanswered", "UnexpectedAnswer", "Untrusted", "sign", "string_to_sign",
]

log = logging.getLogger("bridge_client")

# The states of a job (docs/states.md).
OPEN_STATES = frozenset({"awaiting_approval", "accepted", "processing", "retrying"})
TERMINAL_STATES = frozenset({"succeeded", "failed", "needs_review", "cancelled"})

GZIP_ABOVE = 1024
"""Bytes of JSON above which the bridge recommends gzip; above 32768 it demands it."""

PASSING = frozenset({429, 502, 503, 504})
"""Statuses that may be gone in a moment. The bridge itself sends no 502 or
504: with those a proxy lost the answer."""

MAX_ANSWER = 16 << 20  # bytes, far above any answer of a bridge
REQUEST_TIMEOUT = 60.0  # seconds without a byte until a connection counts as lost
FIRST_BACKOFF = 0.25  # seconds, doubled with every attempt
RENEW_BEFORE = 60.0  # seconds before its end that a token is no longer used
FIRST_POLL, SLOWEST_POLL = 0.5, 5.0  # seconds; most jobs take about one

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # b64token of RFC 6750 §2.1
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


# --- what comes back ---------------------------------------------------------


def _no_truth(self: object) -> NoReturn:
    raise TypeError(
        f"a {type(self).__name__} is neither true nor false: wait(job) for the end of a job, then read .succeeded"
    )


@dataclass(frozen=True)
class Accepted:
    """A job that has not ended: a 202, or a look at a job that still runs.

    It says nothing about success, and there is nothing in it to mistake for
    one: no attribute of that name, no terminal status, no truth value.
    """

    job_id: str
    status: str
    poll_after_seconds: float = 0.0
    """How long the bridge asks to wait before the next look."""
    request_id: str = ""
    """The X-Request-ID of the request that was answered. A write sent again
    with it is the same write."""

    __bool__ = _no_truth

    def __post_init__(self) -> None:
        if self.status not in OPEN_STATES:
            raise ValueError(f"a job that is {self.status!r} is not merely accepted")


@dataclass(frozen=True)
class Finished:
    """A job at its end, whatever the end is."""

    job_id: str
    status: str
    business_success: Optional[bool]
    result: Any
    error: Optional[Mapping[str, Any]]
    """{code, message, fix} of a job that did not succeed."""
    view: Mapping[str, Any] = field(repr=False, compare=False)
    """The whole job as the bridge told it; fractions are Decimal."""
    replayed: bool = False
    """The same request had been carried out before; nothing was done twice."""

    __bool__ = _no_truth

    @property
    def succeeded(self) -> bool:
        """Whether the shop was changed as asked: both fields must say so."""
        return self.status == "succeeded" and self.business_success is True


Outcome = Union[Accepted, Finished]


class BridgeError(Exception):
    """Whatever kept a call from its answer.

    request_id is the X-Request-ID it was sent under. To find out what became
    of a write, call the same method with the same arguments and that id.
    """

    def __init__(self, message: str, request_id: str = "") -> None:
        super().__init__(message)
        self.request_id = request_id


class Refused(BridgeError):
    """An error answer. Its members are those of docs/errors.md; error_code is
    empty when the answer was not written by a bridge."""

    def __init__(
        self,
        status: int,
        error_code: str = "",
        detail: str = "",
        rule: Optional[str] = None,
        fix: str = "",
        errors: Optional[Mapping[str, List[str]]] = None,
        job: Optional[Finished] = None,
        retry_after_seconds: Optional[float] = None,
        request_id: str = "",
    ) -> None:
        parts = [f"the bridge answered {status} {error_code}".rstrip() + f": {detail}"]
        parts += [f"[{rule}]"] if rule else []
        parts += [f"({name}: {'; '.join(texts)})" for name, texts in (errors or {}).items()]
        parts += [fix] if fix else []
        super().__init__(" ".join(parts), request_id)
        self.status = status
        self.error_code = error_code
        self.detail = detail
        self.rule = rule
        self.fix = fix
        self.errors: Dict[str, List[str]] = dict(errors or {})
        self.job = job
        """The job of a 409 known_failed_replay."""
        self.retry_after_seconds = retry_after_seconds


class Unanswered(BridgeError):
    """The network lost the request or its answer, every time. It is open
    whether a write was accepted."""


class Untrusted(BridgeError):
    """The certificate at the address does not verify. No request is sent over
    such a connection, and no repetition helps."""


class UnexpectedAnswer(BridgeError):
    """An answer that no bridge gives, such as a redirect or a 202 that claims
    success. Nothing is concluded from it."""


class StillOpen(BridgeError):
    """wait gave up before the job ended: neither a success nor a failure. The
    job goes on, and wait(job_id) can be called again."""

    def __init__(self, job_id: str, status: str, seconds: float) -> None:
        super().__init__(f"job {job_id} has not ended within {seconds:g} s; it was last seen {status}")
        self.job_id = job_id
        self.status = status


# --- signing -----------------------------------------------------------------


def string_to_sign(method: str, uri: str, timestamp: int, request_id: str, body: bytes) -> str:
    """METHOD LF URI LF TIMESTAMP LF REQUEST_ID LF BODY_SHA256.

    uri is path and query exactly as sent, timestamp unix seconds, body the
    bytes as sent (compressed when compressed).
    """
    digest = hashlib.sha256(body).hexdigest()
    return "\n".join((method.upper(), uri, str(timestamp), request_id.lower(), digest))


def sign(hmac_secret: str, text: str) -> str:
    """The X-Signature of a string to sign: hex HMAC-SHA256 (RFC 2104) under
    the ASCII bytes of the secret, which are not decoded even if they look hex."""
    return hmac.new(hmac_secret.encode("ascii"), text.encode("utf-8"), hashlib.sha256).hexdigest()


# --- the client --------------------------------------------------------------


class Clock:
    """Time as the client sees it, in seconds. Tests put their own in place."""

    def unix(self) -> float:
        """The wall clock, for signatures: the bridge allows ±30 s."""
        return time.time()

    def monotonic(self) -> float:
        """For expiry and deadlines, which a corrected wall clock must not move."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class _Secret:
    """A text that shows in no repr, and so in no dump of an object or frame."""

    def __init__(self, text: str) -> None:
        self.reveal = lambda: text

    def __repr__(self) -> str:
        return "<secret>"


@dataclass(frozen=True)
class _Token:
    secret: _Secret
    renew_at: float  # on the monotonic clock


@dataclass(frozen=True)
class _Draft:
    """A request that can be signed and sent any number of times."""

    method: str
    path: str
    request_id: str
    body: bytes = b""  # as sent
    gzipped: bool = False


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)  # may hold a token


class Client:
    """Calls a bridge on behalf of one OAuth client. May be shared by threads."""

    def __init__(
        self,
        base_url: str,
        client_id: str,
        client_secret: str,
        hmac_secret: str,
        *,
        attempts: int = 5,
        max_pause_seconds: float = 60.0,
        ca_file: Optional[str] = None,
        allow_plain_http: bool = False,
        clock: Optional[Clock] = None,
    ) -> None:
        """attempts bounds how often one request is sent. max_pause_seconds is
        the longest Retry-After worth waiting for, by default the length of a
        rate window; a bridge that asks for more is believed and not asked
        again. ca_file is a PEM file to trust instead of the system's
        authorities. Plain HTTP carries the secrets readable, so it is refused
        for other hosts than loopback unless allowed."""
        parts = urllib.parse.urlsplit(base_url)
        if not re.fullmatch(r"https?://[!-~]+", base_url) or not parts.hostname:
            raise ValueError("base_url must be an http or https URL")
        if parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("base_url must have no query, fragment or credentials")
        loopback = parts.hostname in _LOOPBACK
        if parts.scheme == "http" and not (loopback or allow_plain_http):
            raise ValueError("base_url must be https: over http the client secret could be read on the way")
        if not (client_id and client_secret and hmac_secret and hmac_secret.isascii()):
            raise ValueError("client_id, client_secret and hmac_secret are required, the last in ASCII")
        self.base_url = base_url.rstrip("/")
        self.client_id = client_id
        self._client_secret = _Secret(client_secret)
        self._hmac_secret = _Secret(hmac_secret)
        self._attempts = max(attempts, 1)
        self._max_pause = max_pause_seconds
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._cached: Optional[_Token] = None
        self._opener = _opener(parts.scheme, ca_file, direct=loopback)

    def __repr__(self) -> str:
        return f"Client({self.base_url!r}, client_id={self.client_id!r})"

    # Reads: answered at once.

    def get_product(self, product_id: int, *, request_id: Optional[str] = None) -> Dict[str, Any]:
        """The product as the shop has it now. price_ht (before tax) is exact: a
        Decimal, or an int when the bridge wrote a whole number."""
        return self._read(f"/v1/products/{_number('product_id', product_id)}", request_id)

    def get_order(self, order_id: int, *, request_id: Optional[str] = None) -> Dict[str, Any]:
        """The order as the shop has it now; amounts as in get_product."""
        return self._read(f"/v1/orders/{_number('order_id', order_id)}", request_id)

    def get_job(self, job_id: str, *, request_id: Optional[str] = None) -> Outcome:
        """What became of a write so far: Finished if its job has ended, else
        Accepted with the present status."""
        return self._look(_job_id(job_id), request_id, None)

    # Writes: answered with a job. A request_id (UUID version 4) stands for one
    # intention; by default each call is a new one. None leaves a field out.

    def update_product(
        self,
        product_id: int,
        *,
        price_ht: Union[Decimal, int, None] = None,
        stock_delta: Optional[int] = None,
        seo: Optional[Mapping[str, Mapping[str, str]]] = None,
        skip_reindex: Optional[bool] = None,
        request_id: Optional[str] = None,
    ) -> Outcome:
        """Change the price before tax, the stock by a difference, or SEO texts
        by language ({"en": {"meta_title": "…"}})."""
        payload: Dict[str, Any] = {"product_id": product_id}
        payload["updates"] = _given(price_ht=price_ht, stock_delta=stock_delta, seo=seo)
        options = _given(skip_reindex=skip_reindex)
        return self._write("/v1/jobs/products/update", {**payload, **_given(options=options or None)}, request_id)

    def import_products(
        self,
        batch_id: str,
        items: Sequence[Mapping[str, Any]],
        *,
        create_if_missing: Optional[bool] = None,
        update_if_exists: Optional[bool] = None,
        skip_images_errors: Optional[bool] = None,
        request_id: Optional[str] = None,
    ) -> Outcome:
        """Create or update 1 to 50 products by reference. batch_id is a second
        key of the intention: the same batch again is the same job."""
        options = _given(
            create_if_missing=create_if_missing,
            update_if_exists=update_if_exists,
            skip_images_errors=skip_images_errors,
        )
        payload = {"batch_id": batch_id, "items": items, **_given(options=options or None)}
        return self._write("/v1/jobs/products/import", payload, request_id)

    def update_order_status(
        self,
        order_id: int,
        new_status: str,
        *,
        notify_customer: Optional[bool] = None,
        tracking_number: Optional[str] = None,
        request_id: Optional[str] = None,
    ) -> Outcome:
        """Move an order to a status such as "shipped". The customer gets a
        mail only with notify_customer=True."""
        payload = {"order_id": order_id, "new_status": new_status}
        payload.update(_given(notify_customer=notify_customer, tracking_number=tracking_number))
        return self._write("/v1/jobs/orders/status", payload, request_id)

    def wait(self, job: Union[Outcome, str], *, deadline_seconds: float = 120.0) -> Finished:
        """Follow a job (or its id) to its end, at the pace the bridge asks for.

        Returns the end whatever it is; ask .succeeded. Raises StillOpen when
        the deadline comes first. A bridge that is away or overloaded for a
        while is asked again until then.
        """
        if isinstance(job, Finished):
            return job
        until = self._clock.monotonic() + deadline_seconds
        if isinstance(job, Accepted):
            job_id, status, advice = job.job_id, job.status, job.poll_after_seconds
        else:
            job_id, status, advice = _job_id(job), "nowhere", 0.0
        pace, pause = FIRST_POLL, advice
        trouble: Optional[BridgeError] = None
        while True:
            left = until - self._clock.monotonic()
            # Looking earlier than advised would not be honouring the advice;
            # our own pace may be cut short for a last look.
            if advice > left or left < 0:
                raise StillOpen(job_id, status, deadline_seconds) from trouble
            if pause > 0:
                self._clock.sleep(min(pause, left))
            advice, trouble = 0.0, None
            try:
                seen = self._look(job_id, None, until)
                if isinstance(seen, Finished):
                    return seen
                status, advice = seen.status, seen.poll_after_seconds
            except Unanswered as lost:
                trouble = lost
            except Refused as refused:
                if refused.status not in PASSING:
                    raise
                trouble, advice = refused, refused.retry_after_seconds or 0.0
            if self._clock.monotonic() >= until:
                raise StillOpen(job_id, status, deadline_seconds) from trouble
            pause, pace = max(pace, advice), min(pace * 1.5, SLOWEST_POLL)

    # How a call becomes an answer.

    def _read(self, path: str, request_id: Optional[str]) -> Dict[str, Any]:
        draft = _Draft("GET", path, _request_id(request_id))
        return _document(self._exchange(draft), 200, draft)

    def _look(self, job_id: str, request_id: Optional[str], until: Optional[float]) -> Outcome:
        # The path is made from the id, never from the answer's tracking_url: a
        # token and a signature go to no address that an answer names.
        draft = _Draft("GET", f"/v1/jobs/{job_id}", _request_id(request_id))
        answer = self._exchange(draft, until)
        outcome = _outcome(answer, _document(answer, 200, draft), draft)
        if outcome.job_id != job_id:
            raise UnexpectedAnswer(f"asked for job {job_id}, the bridge told of {outcome.job_id}", draft.request_id)
        return outcome

    def _write(self, path: str, payload: Mapping[str, Any], request_id: Optional[str]) -> Outcome:
        body = encode(payload).encode("utf-8")
        packed = len(body) > GZIP_ABOVE
        # Compressed once, so that every attempt sends the same bytes.
        draft = _Draft("POST", path, _request_id(request_id), gzip.compress(body, mtime=0) if packed else body, packed)
        answer = self._exchange(draft)
        outcome = _outcome(answer, _document(answer, answer.status, draft), draft)
        if isinstance(outcome, Finished) != (answer.status == 200):
            # The heart of the matter: a 202 that tells an end, or a 200 that
            # tells of a job under way, is believed in neither respect.
            raise UnexpectedAnswer(
                f"a write was answered {answer.status} with a job that is {outcome.status}; accepted is not success",
                draft.request_id,
            )
        return outcome

    def _exchange(self, draft: _Draft, until: Optional[float] = None) -> _Answer:
        """Send until it is answered for good, the attempts are used up, or the
        pause would be too long or reach beyond the monotonic time until.
        Sending again is safe because of the request id: the bridge finds the
        job of a lost answer."""
        attempt = 0
        while True:
            attempt += 1
            fault: BridgeError
            asked: Optional[float] = None
            try:
                return self._authorized(draft)
            except Unanswered as lost:
                fault, why = lost, "not answered"
            except Refused as refused:
                if refused.status not in PASSING:
                    raise
                fault, asked = refused, refused.retry_after_seconds
                why = f"answered {refused.status} {refused.error_code}".rstrip()
            pause = _pause(attempt, asked)
            late = until is not None and self._clock.monotonic() + pause > until
            if attempt >= self._attempts or (asked or 0) > self._max_pause or late:
                raise fault
            log.warning(
                "%s %s (request %s), attempt %d: %s; again in %.2f s",
                draft.method, draft.path, draft.request_id, attempt, why, pause,
            )
            self._clock.sleep(pause)

    def _authorized(self, draft: _Draft) -> _Answer:
        """Send once, or twice when the token is refused: it may have been
        revoked, or its key rotated away, since it was fetched."""
        token = self._token(draft)
        answer = self._signed(draft, token)
        if answer.status == 401:
            self._forget(token)
            answer = self._signed(draft, self._token(draft))
        if answer.status >= 400:
            raise _refusal(answer, draft)
        if answer.status not in (200, 202):
            raise UnexpectedAnswer(f"{draft.method} {draft.path} was answered {answer.status}", draft.request_id)
        return answer

    def _signed(self, draft: _Draft, token: _Secret) -> _Answer:
        """Sign with the present time, so that a repetition never meets the window."""
        request = urllib.request.Request(self.base_url + draft.path, data=draft.body or None, method=draft.method)
        timestamp = int(self._clock.unix())
        # selector is what urllib will write on the request line.
        text = string_to_sign(draft.method, request.selector, timestamp, draft.request_id, draft.body)
        request.add_header("Authorization", "Bearer " + token.reveal())
        request.add_header("X-Request-ID", draft.request_id)
        request.add_header("X-Timestamp", str(timestamp))
        request.add_header("X-Signature", sign(self._hmac_secret.reveal(), text))
        if draft.method == "POST":
            request.add_header("Content-Type", "application/json")
        if draft.gzipped:
            request.add_header("Content-Encoding", "gzip")
        return self._send(request, draft)

    def _token(self, draft: _Draft) -> _Secret:
        """The cached token, or a new one; the lock lets one thread fetch it
        while the others wait for the result."""
        with self._lock:
            if self._cached is None or self._clock.monotonic() >= self._cached.renew_at:
                self._cached = self._fetch_token(draft)
            return self._cached.secret

    def _forget(self, token: _Secret) -> None:
        """Drop a token that was refused, unless it has been replaced already."""
        with self._lock:
            if self._cached is not None and self._cached.secret is token:
                self._cached = None

    def _fetch_token(self, draft: _Draft) -> _Token:
        """RFC 6749 §4.4. Trying again is up to the exchange that needs it."""
        request = urllib.request.Request(self.base_url + "/oauth/token", data=b"grant_type=client_credentials")
        # §2.3.1: both halves are form-urlencoded inside Basic.
        halves = (urllib.parse.quote_plus(half) for half in (self.client_id, self._client_secret.reveal()))
        request.add_header("Authorization", "Basic " + base64.b64encode(":".join(halves).encode("ascii")).decode("ascii"))
        request.add_header("Content-Type", "application/x-www-form-urlencoded")
        asked_at = self._clock.monotonic()
        answer = self._send(request, draft)
        if answer.status != 200:
            raise _token_refusal(answer, draft)
        token = _read_token(answer, asked_at)
        if token is None:
            # What was answered may hold a token all the same: it is not quoted.
            raise UnexpectedAnswer("the token endpoint answered without a bearer token", draft.request_id)
        return token

    def _send(self, request: urllib.request.Request, draft: _Draft) -> _Answer:
        request.add_header("Accept", "application/json")
        request.add_header("User-Agent", "bridge-client-python")
        try:
            with self._opener.open(request, timeout=REQUEST_TIMEOUT) as response:
                body = response.read(MAX_ANSWER + 1)
                if len(body) > MAX_ANSWER:
                    raise UnexpectedAnswer("the answer is larger than any of a bridge", draft.request_id)
                # http.client lets a sized read end early without a word.
                if len(body) < int(response.headers.get("Content-Length") or 0):
                    raise http.client.IncompleteRead(body)
                return _Answer(response.status, response.headers, body)
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise Untrusted(f"the certificate of {self.base_url} does not verify: {reason.verify_message}",
                                draft.request_id) from None
            # The kind of the error only: some kinds quote what they were given.
            raise Unanswered(
                f"no answer to {draft.method} {draft.path} ({type(reason).__name__}); to learn what became of a write, "
                f"send it again with request_id {draft.request_id}", draft.request_id) from None


def _opener(scheme: str, ca_file: Optional[str], direct: bool) -> urllib.request.OpenerDirector:
    """An opener for one scheme and nothing else. It has no redirect handler: a
    redirect would carry a token and a signature to an address they were not
    made for. It has no error handler either, so that every status comes back
    as an answer. Proxies come from the environment, but never for loopback."""
    opener = urllib.request.OpenerDirector()
    opener.add_handler(urllib.request.ProxyHandler({} if direct else None))
    if scheme == "https":
        # The default context verifies the chain and the host name.
        opener.add_handler(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca_file)))
    else:
        opener.add_handler(urllib.request.HTTPHandler())
    return opener


# --- reading and writing -----------------------------------------------------


def encode(value: Any) -> str:
    """Compact JSON in which a Decimal is a number with its own digits. A float
    is refused: it is not the amount of money it looks like."""
    if isinstance(value, float):
        raise TypeError("use Decimal instead of float: 25.10 has no exact float")
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("an amount must be finite")
        return format(value, "f")
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(str(k), ensure_ascii=False)}:{encode(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(encode(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _parse(body: bytes) -> Dict[str, Any]:
    """The JSON object in an answer; empty if there is none."""
    try:
        document = json.loads(body.decode("utf-8"), parse_float=Decimal)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _document(answer: _Answer, status: int, draft: _Draft) -> Dict[str, Any]:
    document = _parse(answer.body)
    if answer.status != status or not document:
        raise UnexpectedAnswer(
            f"{draft.method} {draft.path} was answered {answer.status} with a body that is not the contract's",
            draft.request_id,
        )
    return document


def _outcome(answer: _Answer, view: Dict[str, Any], draft: _Draft) -> Outcome:
    """Sort a job by its status; one that claims more than its status allows is refused."""
    finished = _finished(view, answer.headers.get("Idempotent-Replayed") == "true")
    if finished is not None:
        return finished
    job_id, status = view.get("job_id"), str(view.get("status"))
    if not isinstance(job_id, str) or not _UUID.fullmatch(job_id) or status not in OPEN_STATES:
        raise UnexpectedAnswer(f"the answer to {draft.method} {draft.path} is no job", draft.request_id)
    if view.get("business_success") is not None or view.get("terminal"):
        raise UnexpectedAnswer(f"job {job_id} is {status} and claims an end; accepted is not success", draft.request_id)
    told = view.get("poll_after_seconds")
    advice = float(min(told, 86400)) if isinstance(told, (int, Decimal)) else 0.0
    return Accepted(job_id, status, max(advice, _retry_after(answer) or 0.0, 0.0), draft.request_id)


def _finished(view: Any, replayed: bool = False) -> Optional[Finished]:
    """A job that has ended, None for anything else."""
    if not isinstance(view, dict) or str(view.get("status")) not in TERMINAL_STATES:
        return None
    job_id, success, error = view.get("job_id"), view.get("business_success"), view.get("error")
    if not isinstance(job_id, str) or not _UUID.fullmatch(job_id):
        return None
    return Finished(
        job_id, view["status"], success if isinstance(success, bool) else None, view.get("result"),
        error if isinstance(error, dict) else None, view, replayed,
    )


def _refusal(answer: _Answer, draft: _Draft) -> Refused:
    wire = _parse(answer.body)
    wait = _retry_after(answer)
    if not isinstance(wire.get("error_code"), str):
        # A proxy, or something else at that address. Its text is not quoted:
        # it may show the request with its token.
        detail = f"{len(answer.body)} bytes that were not written by a bridge"
        return Refused(answer.status, detail=detail, retry_after_seconds=wait, request_id=draft.request_id)
    errors = wire.get("errors") if isinstance(wire.get("errors"), dict) else {}
    return Refused(
        answer.status, wire["error_code"], str(wire.get("detail") or ""), wire.get("rule") or None,
        str(wire.get("fix") or ""),
        {name: [str(text) for text in texts] for name, texts in errors.items() if isinstance(texts, list)},
        _finished(wire.get("job")), wait, draft.request_id,
    )


def _read_token(answer: _Answer, asked_at: float) -> Optional[_Token]:
    """RFC 6749 §5.1. A token of other characters than RFC 6750 allows is none:
    http.client would quote it when it refuses the header."""
    wire = _parse(answer.body)
    token, lifetime = wire.get("access_token"), wire.get("expires_in")
    if str(wire.get("token_type")).lower() != "bearer" or not isinstance(token, str) or not _BEARER.fullmatch(token):
        return None
    seconds = float(min(lifetime, 86400)) if isinstance(lifetime, int) else 0.0
    # One that lives shorter than the margin is used for half its life.
    return _Token(_Secret(token), asked_at + max(seconds - RENEW_BEFORE, seconds / 2))


def _token_refusal(answer: _Answer, draft: _Draft) -> Refused:
    """Word an error of RFC 6749 §5.2 as a refusal, by its name alone."""
    name = _parse(answer.body).get("error")
    if not isinstance(name, str) or not re.fullmatch(r"[a-z_]{1,40}", name):
        return _refusal(answer, draft)
    return Refused(
        answer.status, name, "The token endpoint refused.", fix="Check client id, client secret and address.",
        retry_after_seconds=_retry_after(answer), request_id=draft.request_id,
    )


def _retry_after(answer: _Answer) -> Optional[float]:
    """Whole seconds, at most a day; the bridge sends no dates."""
    text = answer.headers.get("Retry-After") or ""
    return float(min(int(text), 86400)) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _pause(attempt: int, asked: Optional[float]) -> float:
    """Seconds until the next attempt: never less than asked, longer each time
    when nothing was asked, and never twice the same, so that clients that
    failed together do not come back together."""
    if asked:
        return asked + random.uniform(0, FIRST_BACKOFF)
    most = FIRST_BACKOFF * 2 ** min(attempt, 10)
    return random.uniform(most / 2, most)


def _given(**fields: Any) -> Dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _number(name: str, value: int) -> int:
    """Only reads need it: their number goes into a path. The bridge judges payloads."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number from 1")
    return value


def _job_id(text: str) -> str:
    if not _UUID.fullmatch(text.lower()):
        raise ValueError("a job id must be a UUID, as a write answered it")
    return text.lower()


def _request_id(text: Optional[str]) -> str:
    if text is None:
        return str(uuid.uuid4())
    if not _UUID4.fullmatch(text.lower()):
        raise ValueError("request_id must be a UUID version 4")
    return text.lower()
