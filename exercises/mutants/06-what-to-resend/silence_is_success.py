# fails with: a lost answer says nothing
def again(rows, results):
    left = []
    for row in rows:
        status = (results or {}).get(row["id"])
        if status is not None and (status in (408, 429) or status >= 500):
            left.append(row)
    return left
