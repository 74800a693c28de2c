"""Videos decoded in threads while the network is at work on those before them."""

import collections
import itertools
import os
from concurrent.futures import ThreadPoolExecutor


def ahead(items, read, workers=None):
    """Yield (item, function that returns `read(item)` or raises its error), in order; `items` may be endless.

    Never more results are held than there are threads, and one.

    >>> [(item, result()) for item, result in ahead("ab", str.upper, workers=2)]
    [('a', 'A'), ('b', 'B')]
    """
    items = iter(items)
    workers = workers or os.cpu_count()
    pending = collections.deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            while True:
                for item in itertools.islice(items, workers + 1 - len(pending)):
                    pending.append((item, pool.submit(read, item)))
                if not pending:
                    return
                item, future = pending.popleft()
                yield item, future.result
                del future
        finally:
            pool.shutdown(cancel_futures=True)
