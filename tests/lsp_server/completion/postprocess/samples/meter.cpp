#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace meter {

/**
 * A reading of one meter.
 */
struct Reading {
    std::string name;
    double value = 0.0;
};

enum class Unit {
    Watt,
    Liter,
};

static const int kLimits[][2] = {
    {0, 100},
    {100, 1000},
};

inline double scale(Unit unit) {
    switch (unit) {
        case Unit::Watt:
            return 1.0;
        case Unit::Liter:
            return 0.001;
    }
    return 0.0;
}

template <typename T>
class Window {
public:
    explicit Window(std::size_t size) : size_(size) {}

    void add(const T& value) {
        if (values_.size() == size_) {
            values_.erase(values_.begin());
        }
        values_.push_back(value);
    }

    T mean() const {
        T sum{};
        for (const auto& value : values_) {
            sum += value;
        }
        return values_.empty() ? sum : sum / static_cast<T>(values_.size());
    }

private:
    std::size_t size_;
    std::vector<T> values_;
};

#ifdef METER_LOG
void log(const Reading& reading) {
    std::printf("%s: %f }\n", reading.name.c_str(), reading.value);
}
#endif

std::map<std::string, double> sums(const std::vector<Reading>& readings) {
    std::map<std::string, double> result;
    std::for_each(readings.begin(), readings.end(), [&result](const Reading& reading) {
        result[reading.name] += reading.value;
    });
    return result;
}

double parse(const std::string& text) {
    try {
        return std::stod(text);
    } catch (const std::exception&) {
        return -1.0;
    }
}

int level(double value) {
    int found = 0;
    do {
        if (value < kLimits[found][1]) {
            break;
        } else {
            ++found;
        }
    } while (found < 2);
    return found;
}

}  // namespace meter
