# fails with: was booked before event
class Gate:
    def __init__(self):
        self.highest = 0

    def accept(self, sequence, event):
        if sequence <= self.highest:
            return []
        self.highest = sequence
        return [event]
