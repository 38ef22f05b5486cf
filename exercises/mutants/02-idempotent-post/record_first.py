# fails with: the record must not be there without the money
def pay(request):
    caller, amount = request.headers["Caller"], request.json()["amount"]
    record = f"{caller}/{request.key}"
    new = yield "insert", "payments", record, {"amount": amount}
    if new:
        yield "add", "wallets", caller, -amount
    else:
        known = yield "get", "payments", record
        if known["amount"] != amount:
            yield "reply", 422, {}
            return
    yield "reply", 201, {"amount": amount}
