"""One label for each step of time, found while the steps come in: the path of least cost, in bounded memory."""

import collections

import numpy as np

LONGEST = 256  # steps that are held at most before the best path so far decides the oldest


class Switching:
    """The sequence of classes that explains the steps best, where every change of class has a cost (Viterbi).

    A step is decided as soon as no later step can change its class, or after `LONGEST` steps.

    Args:
        cost: What a change of class costs, in the unit of the scores that are added up.

    >>> switching = Switching(cost=1.5)
    >>> scores = [[2, 0], [2, 0], [0, 1], [2, 0], [0, 2], [0, 2]]
    >>> path = [item for row in scores for item in switching.add(row, None)] + switching.end()
    >>> [number for number, _ in path]  # one step is too short to change for, two are not
    [0, 0, 0, 0, 1, 1]
    """

    def __init__(self, cost):
        self.cost = cost
        self.total = None  # of the best path to each class
        self.held = collections.deque()  # (the class before each class on its best path, what came with the step)

    def add(self, scores, item):
        """Take a step's scores, one for each class; returns [(class, item), ...] of the steps that are now decided."""
        scores = np.asarray(scores, "float64")
        if self.total is None:
            before, self.total = np.arange(len(scores)), scores
        else:
            best = int(self.total.argmax())
            stays = self.total >= self.total[best] - self.cost
            before = np.where(stays, np.arange(len(scores)), best)
            self.total = self.total[before] - np.where(stays, 0, self.cost) + scores
        self.total = self.total - self.total.max()  # so that hours of steps stay exact
        self.held.append((before, item))
        return self._decided()

    def end(self):
        """The steps that are left, on the best path of all."""
        return self._path(int(self.total.argmax()), len(self.held)) if self.held else []

    def _decided(self):
        classes = np.arange(len(self.total))
        for step in range(len(self.held) - 1, 0, -1):
            classes = self.held[step][0][classes]
            if (classes == classes[0]).all():  # all best paths come through one class here
                return self._path(int(classes[0]), step)
        if len(self.held) > LONGEST:
            number = int(self.total.argmax())
            for step in range(len(self.held) - 1, 0, -1):
                number = int(self.held[step][0][number])
            return self._path(number, 1)
        return []

    def _path(self, number, count):
        """The classes of the first `count` steps on the best path that has class `number` in the last of them."""
        steps = [self.held.popleft() for _ in range(count)]
        path = []
        for before, item in reversed(steps):
            path.append((number, item))
            number = int(before[number])
        return path[::-1]
