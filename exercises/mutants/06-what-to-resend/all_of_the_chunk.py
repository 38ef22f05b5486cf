# fails with: it is done
def again(rows, results):
    left = []
    for row in rows:
        status = (results or {}).get(row["id"])
        if True:
            left.append(row)
    return left
