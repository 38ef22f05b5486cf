# fails with: for the same reason every time
def again(rows, results):
    left = []
    for row in rows:
        status = (results or {}).get(row["id"])
        if status is None or status >= 400:
            left.append(row)
    return left
