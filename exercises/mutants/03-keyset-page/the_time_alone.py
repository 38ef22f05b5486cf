# fails with: cannot say where among equals
def page(rows, after, limit):
    ordered = sorted(rows, key=lambda row: (row["created"], row["id"]), reverse=True)
    if after is not None:
        ordered = [row for row in ordered if row["created"] < after]
    shown = ordered[:limit]
    more = len(ordered) > limit
    return shown, shown[-1]["created"] if more else None
