# fails with: 201 is right, twice or not
def batch(request):
    results = []
    for item in request.json()["items"]:
        known = yield "get", "items", item["id"]
        if known is not None:
            status = known["status"]
        elif "@" not in item["email"]:
            status = 422
        else:
            made = yield "insert", "users", item["email"], {"email": item["email"]}
            status = 201 if made else 409
            yield "put", "items", item["id"], {"status": status}
        results.append({"id": item["id"], "status": status})
    yield "reply", 207, {"results": results}
