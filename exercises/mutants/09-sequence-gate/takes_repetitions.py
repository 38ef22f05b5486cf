# fails with: was booked
class Gate:
    def __init__(self):
        self.next = 1
        self.early = {}

    def accept(self, sequence, event):
        if sequence < self.next:
            return [event]
        self.early[sequence] = event
        booked = []
        while self.next in self.early:
            booked.append(self.early.pop(self.next))
            self.next += 1
        return booked
