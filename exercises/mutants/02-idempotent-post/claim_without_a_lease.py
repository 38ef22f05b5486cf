# fails with: its claim locks the key for ever
def pay(request):
    caller, amount = request.headers["Caller"], request.json()["amount"]
    record = f"{caller}/{request.key}"
    new = yield "insert", "payments", record, {"state": "started", "amount": amount}
    if not new:
        known = yield "get", "payments", record
        if known["amount"] != amount:
            yield "reply", 422, {}
        elif known["state"] == "started":
            yield "reply", 409, {}
        else:
            yield "reply", 201, {"amount": amount}
        return
    yield (
        "together",
        ("put", "payments", record, {"state": "paid", "amount": amount}),
        ("add", "wallets", caller, -amount),
    )
    yield "reply", 201, {"amount": amount}
