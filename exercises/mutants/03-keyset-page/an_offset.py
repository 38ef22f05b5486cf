# fails with: a number of rows counts them too
def page(rows, after, limit):
    start = after or 0
    ordered = sorted(rows, key=lambda row: (row["created"], row["id"]), reverse=True)
    return ordered[start : start + limit], start + limit if len(ordered) > start + limit else None
