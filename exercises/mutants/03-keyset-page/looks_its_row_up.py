# fails with: do not look it up
def page(rows, after, limit):
    ordered = sorted(rows, key=lambda row: (row["created"], row["id"]), reverse=True)
    ids = [row["id"] for row in ordered]
    start = ids.index(after) + 1 if after in ids else 0
    shown = ordered[start : start + limit]
    return shown, shown[-1]["id"] if len(ordered) > start + limit else None
