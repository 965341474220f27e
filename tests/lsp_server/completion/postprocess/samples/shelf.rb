# frozen_string_literal: true

require "json"

module Library
  class Shelf
    include Enumerable

    attr_reader :name

    def initialize(name, books: [])
      @name = name
      @books = books.dup
    end

    def each(&block)
      return to_enum(:each) unless block

      @books.each(&block)
    end

    def add(title, year: nil)
      raise ArgumentError, "no title" if title.to_s.strip.empty?

      @books << { title: title, year: year }
      self
    end

    def by_decade
      group_by { |book| book[:year] && book[:year] / 10 * 10 }.transform_values do |books|
        books.map { |book| book[:title] }.sort
      end
    end

    def report
      lines = by_decade.map do |decade, titles|
        label = if decade.nil?
                  "undated"
                else
                  "#{decade}s"
                end
        "#{label}: #{titles.join(", ")}"
      end
      lines.empty? ? "#{name} is empty" : lines.join("\n")
    end

    def self.load(path)
      data = JSON.parse(File.read(path), symbolize_names: true)
      case data
      when Array
        new(File.basename(path, ".json"), books: data)
      when Hash
        new(data.fetch(:name), books: data.fetch(:books, []))
      else
        raise TypeError, "#{path} holds no shelf"
      end
    rescue Errno::ENOENT
      new(path)
    end
  end
end

if __FILE__ == $PROGRAM_NAME
  shelf = Library::Shelf.load(ARGV.fetch(0, "shelf.json"))
  ARGV.drop(1).each do |title|
    shelf.add(title)
  end
  puts shelf.report
end
