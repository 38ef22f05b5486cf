# fails with: and not dropped
class Gate:
    def __init__(self):
        self.next = 1

    def accept(self, sequence, event):
        if sequence != self.next:
            return []
        self.next += 1
        return [event]
