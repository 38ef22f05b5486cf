# fails with: the body as its raw bytes
import base64
import hashlib
import hmac
import json


def verify(secret, headers, body, now):
    try:
        message, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
        if not abs(now - float(timestamp)) <= 300:
            return False
        body = json.dumps(json.loads(body or b"null"), separators=(",", ":")).encode() if body[:1] == b"{" else body
        signed = f"{message}.{timestamp}.".encode() + body
        right = "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        given = headers["webhook-signature"].split(" ")
    except (KeyError, ValueError):
        return False
    return any(hmac.compare_digest(right.encode(), one.encode()) for one in given)
