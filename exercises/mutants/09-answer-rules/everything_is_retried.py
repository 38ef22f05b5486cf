# fails with: Gone is a wish
def rule(status, retry_after):
    wait = min(float(retry_after), 86_400.0) if retry_after is not None and retry_after.isdigit() else 0.0
    if status is not None and 200 <= status < 300:
        return "delivered", 0.0
    return "retry", wait
