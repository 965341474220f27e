"""The basket of a customer. `make run` completes the last line."""


class Basket:
    def __init__(self, customer):
        self.customer = customer
        self.items = []

    def add(self, item, count=1):
        """Put an item into the basket, so many times."""
        for _ in range(count):
            self.items.append(item)

    def __iter__(self):
        return iter(self.items)

    def __len__(self):
        return len(self.
