import { useEffect, useMemo, useState } from "react";

import { Button } from "./Button";
import type { Item, Order } from "./types";

type Props<T extends Item> = {
  items: readonly T[];
  order?: Order;
  onPick: (item: T) => void;
};

const labels: Record<Order, string> = { asc: "Oldest first", desc: "Newest first" };

function compare(a: Item, b: Item): number {
  return a.date < b.date ? -1 : a.date > b.date ? 1 : 0;
}

export function Panel<T extends Item>({ items, order = "asc", onPick }: Props<T>) {
  const [query, setQuery] = useState("");
  const [current, setCurrent] = useState<Order>(order);

  const shown = useMemo(() => {
    const found = items.filter((item) => item.title.toLowerCase().includes(query.toLowerCase()));
    found.sort(compare);
    return current === "asc" ? found : found.reverse();
  }, [items, query, current]);

  useEffect(() => {
    document.title = query ? `${query} (${shown.length})` : "Items";
    return () => {
      document.title = "Items";
    };
  }, [query, shown.length]);

  if (items.length === 0) {
    return <p className="empty">There isn't anything here yet.</p>;
  }

  return (
    <section className="panel" aria-label="Items">
      <header>
        <input
          type="search"
          value={query}
          placeholder="Find by title"
          onChange={(event) => setQuery(event.target.value)}
        />
        <Button
          kind="quiet"
          onClick={() => {
            setCurrent(current === "asc" ? "desc" : "asc");
          }}
        >
          {labels[current]}
        </Button>
      </header>
      <ul>
        {shown.map((item) => (
          <li key={item.id}>
            <a
              href={`#${item.id}`}
              onClick={(event) => {
                event.preventDefault();
                onPick(item);
              }}
            >
              <strong>{item.title}</strong>
            </a>
            {item.note && <em> — {item.note}</em>}
            <time dateTime={item.date}>{new Date(item.date).toLocaleDateString()}</time>
          </li>
        ))}
      </ul>
      {shown.length === 0 ? (
        <p>
          Nothing matches <q>{query}</q>.
        </p>
      ) : (
        <p>{shown.length} of {items.length}</p>
      )}
    </section>
  );
}
