import {
  listSpends,
  newSpendBook,
  reserveSpend,
  sumSpends,
  takeSpend,
  updateSpend,
} from "./spend-book.ts";
import type { SpendStore } from "./spend-store.ts";

/**
 * Spending in the memory of one process: what was spent is forgotten when it ends. Keeps every payment whose fate is
 * open, and the newest 1,000 others. Nobody can outlive the process, so that what is taken is leased for ever.
 */
export function memorySpendStore(): SpendStore {
  const book = newSpendBook(1000);
  return {
    reserve: async (...args) => reserveSpend(book, ...args),
    update: async (id, change) => updateSpend(book, id, change),
    take: async (...args) => takeSpend(book, ...args, Number.MAX_SAFE_INTEGER),
    spent: async (...args) => sumSpends(book, ...args),
    list: async (options) => listSpends(book, options),
  };
}
