# fails with: more than a day
def rule(status, retry_after):
    wait = float(retry_after) if retry_after is not None and retry_after.isdigit() else 0.0
    if status is not None and 200 <= status < 300:
        return "delivered", 0.0
    return ("disable" if status == 410 else "retry"), wait
