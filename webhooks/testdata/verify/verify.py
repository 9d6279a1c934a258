import base64, hashlib, hmac, time

def verify(secret: str, headers: dict, body: bytes, tolerance: int = 300) -> bool:
    """headers with lower-case names; body as it arrived, before any parsing."""
    message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(timestamp)) > tolerance:
        return False  # recorded and sent again
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    want = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(want, given.removeprefix("v1,"))
               for given in headers["webhook-signature"].split() if given.startswith("v1,"))

def verify_token(webhook_token: str, header: str, body: bytes) -> bool:
    """X-YHSD-HMAC-SHA256"""
    want = base64.b64encode(hmac.new(webhook_token.encode(), body, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(want, header)
