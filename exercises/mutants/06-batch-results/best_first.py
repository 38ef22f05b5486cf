# fails with: three good rows r3, r1, r2
def batch(request):
    results = []
    for item in request.json()["items"]:
        if "@" not in item["email"]:
            status = 422
        else:
            made = yield (
                "together",
                ("insert", "items", item["id"], {"status": 201}),
                ("insert", "users", item["email"], {"email": item["email"]}),
            )
            known = None if made else (yield "get", "items", item["id"])
            status = 201 if made or known is not None else 409
        results.append({"id": item["id"], "status": status})
    results.sort(key=lambda one: one["id"])
    yield "reply", 207, {"results": results}
