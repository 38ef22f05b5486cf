# fails with: what is old by more than 300 s
import base64
import hashlib
import hmac


def verify(secret, headers, body, now):
    try:
        message, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
        if float(timestamp) != float(timestamp) or abs(float(timestamp)) > 1e12:
            return False
        signed = f"{message}.{timestamp}.".encode() + body
        right = "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        given = headers["webhook-signature"].split(" ")
    except (KeyError, ValueError):
        return False
    return any(hmac.compare_digest(right.encode(), one.encode()) for one in given)
