#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 64
#define MIN(a, b) ((a) < (b) ? (a) : (b))

/* A table from names to numbers; names are copied. */
struct entry {
    char *name;
    long value;
    struct entry *next;
};

struct table {
    struct entry *slots[SLOTS];
    size_t count;
};

static unsigned hash(const char *name)
{
    unsigned h = 5381;
    for (; *name != '\0'; name++) {
        h = h * 33 + (unsigned char)*name;
    }
    return h % SLOTS;
}

static struct entry *find(const struct table *t, const char *name)
{
    struct entry *e = t->slots[hash(name)];
    while (e != NULL && strcmp(e->name, name) != 0) {
        e = e->next;
    }
    return e;
}

bool table_set(struct table *t, const char *name, long value)
{
    struct entry *e = find(t, name);
    if (e != NULL) {
        e->value = value;
        return true;
    }
    e = malloc(sizeof(*e));
    if (e == NULL) {
        return false;
    }
    e->name = strdup(name);
    if (e->name == NULL) {
        free(e);
        return false;
    }
    unsigned slot = hash(name);
    e->value = value;
    e->next = t->slots[slot];
    t->slots[slot] = e;
    t->count++;
    return true;
}

void table_free(struct table *t)
{
    for (size_t i = 0; i < SLOTS; i++) {
        struct entry *e = t->slots[i];
        while (e != NULL) {
            struct entry *next = e->next;
            free(e->name);
            free(e);
            e = next;
        }
        t->slots[i] = NULL;
    }
    t->count = 0;
}

static int parse_char(char c)
{
    switch (c) {
    case '(':
    case '[':
        return 1;
    case ')':
    case ']':
        return -1;
    case '"':
    case '\'':
        return 2;
    default:
        return 0;
    }
}

int main(int argc, char **argv)
{
    struct table t = {.count = 0};
    int depth = 0;
    for (int i = 1; i < MIN(argc, 100); i++) {
        for (const char *c = argv[i]; *c; c++) {
            depth += parse_char(*c) == 2 ? 0 : parse_char(*c);
        }
        if (!table_set(&t, argv[i], depth)) {
            fprintf(stderr, "%s: no memory (%d)\n", argv[0], i);
            return EXIT_FAILURE;
        }
    }
    printf("%zu names, depth %d\n", t.count, depth);
    table_free(&t);
    return EXIT_SUCCESS;
}
