# fails with: says nothing against the row
def again(rows, results):
    left = []
    for row in rows:
        status = (results or {}).get(row["id"])
        if status is None or status >= 500:
            left.append(row)
    return left
