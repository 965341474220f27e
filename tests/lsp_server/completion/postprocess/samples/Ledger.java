package shop;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Keeps what customers owe.
 *
 * <p>Amounts are in cents.
 */
public class Ledger {
    private static final int LIMIT = 10_000;
    private final Map<String, List<Integer>> entries = new HashMap<>();

    public enum Kind {
        SALE,
        REFUND
    }

    private static final String HELP = """
        add NAME AMOUNT
        sum NAME
        """;

    /** Adds an amount for a customer. */
    public void add(String name, int amount, Kind kind) {
        if (amount <= 0) {
            throw new IllegalArgumentException("amount: " + amount);
        }
        int signed;
        switch (kind) {
            case SALE:
                signed = amount;
                break;
            case REFUND:
                signed = -amount;
                break;
            default:
                throw new AssertionError(kind);
        }
        entries.computeIfAbsent(name, key -> new ArrayList<>()).add(signed);
    }

    public int sum(String name) {
        int total = 0;
        for (int amount : entries.getOrDefault(name, List.of())) {
            total += amount;
        }
        return total;
    }

    public boolean mayBuy(String name, int amount) {
        if (sum(name) + amount > LIMIT) {
            return false;
        } else {
            return true;
        }
    }

    public List<String> debtors() {
        List<String> names = new ArrayList<>();
        entries.forEach((name, amounts) -> {
            if (sum(name) > 0) {
                names.add(name);
            }
        });
        names.sort(null);
        return names;
    }

    int parse(String text) {
        try {
            return Integer.parseInt(text.replace("}", ""));
        } catch (NumberFormatException error) {
            return -1;
        } finally {
            System.err.println('{' + text);
        }
    }

    Runnable reporter() {
        return new Runnable() {
            @Override
            public void run() {
                System.out.println(HELP + debtors());
            }
        };
    }
}
