# fails with: one of its signatures is ours
import base64
import hashlib
import hmac


def verify(secret, headers, body, now):
    try:
        message, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
        if not abs(now - float(timestamp)) <= 300:
            return False
        signed = f"{message}.{timestamp}.".encode() + body
        right = "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        given = headers["webhook-signature"].split(" ")
    except (KeyError, ValueError):
        return False
    return hmac.compare_digest(right.encode(), given[0].encode())
