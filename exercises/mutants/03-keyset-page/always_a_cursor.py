# fails with: look one row further
def page(rows, after, limit):
    ordered = sorted(rows, key=lambda row: (row["created"], row["id"]), reverse=True)
    if after is not None:
        ordered = [row for row in ordered if (row["created"], row["id"]) < tuple(after)]
    shown = ordered[:limit]
    more = len(shown) == limit
    return shown, (shown[-1]["created"], shown[-1]["id"]) if more else None
