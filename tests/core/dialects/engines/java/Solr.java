// Reads the schema and the documents as one line of JSON each, then answers each filter with the ids that it selects.
// Solr's own parser builds on this one of Lucene. Fields are indexed as Solr's types `string`, `plong`, `pdouble`,
// `pdate` and `boolean` are.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.analysis.core.KeywordAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.DoublePoint;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.LongPoint;
import org.apache.lucene.document.StoredField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.queryparser.classic.ParseException;
import org.apache.lucene.queryparser.classic.QueryParser;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.TermRangeQuery;
import org.apache.lucene.store.ByteBuffersDirectory;

public class Solr {
  // Lines of the protocol: "type<US>name", then documents "id<US>name<US>value…" with one value each.
  static final Map<String, String> TYPES = new HashMap<>();

  public static void main(String[] arguments) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(System.out, true, "UTF-8");
    ByteBuffersDirectory directory = new ByteBuffersDirectory();
    Map<String, Document> documents = new HashMap<>();
    for (String line = in.readLine(); !line.equals("."); line = in.readLine()) {
      String[] parts = decoded(line).split("\u001f", -1);
      if (parts.length == 2) {
        TYPES.put(parts[1], parts[0]);
        continue;
      }
      Document document = documents.computeIfAbsent(parts[0], Solr::document);
      if (!parts[1].isEmpty()) {
        add(document, parts[1], parts[2]);
      }
    }
    try (IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig(new KeywordAnalyzer()))) {
      for (Document document : documents.values()) {
        writer.addDocument(document);
      }
    }
    IndexSearcher searcher = new IndexSearcher(DirectoryReader.open(directory));
    out.println("ready");
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      try {
        Query query = new Parser().parse(decoded(line));
        List<String> ids = new ArrayList<>();
        for (ScoreDoc hit : searcher.search(query, 10_000).scoreDocs) {
          ids.add(searcher.doc(hit.doc).get("id"));
        }
        out.println("[" + String.join(",", ids) + "]");
      } catch (ParseException | RuntimeException error) {
        out.println("\"" + String.valueOf(error.getMessage()).split("\n")[0].replaceAll("[\"\\\\]", "'") + "\"");
      }
    }
  }

  static Document document(String id) {
    Document document = new Document();
    document.add(new StoredField("id", id));
    return document;
  }

  // A line is in hexadecimal digits, so that any text may be in it.
  static String decoded(String line) {
    byte[] bytes = new byte[line.length() / 2];
    for (int index = 0; index < bytes.length; index++) {
      bytes[index] = (byte) Integer.parseInt(line.substring(2 * index, 2 * index + 2), 16);
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }

  static void add(Document document, String name, String value) {
    document.add(new StringField("_present", name, Field.Store.NO));
    switch (TYPES.get(name)) {
      case "long":
        document.add(new LongPoint(name, Long.parseLong(value)));
        break;
      case "date":
        document.add(new LongPoint(name, Instant.parse(value).toEpochMilli()));
        break;
      case "double":
        document.add(new DoublePoint(name, Double.parseDouble(value)));
        break;
      default:
        document.add(new StringField(name, value, Field.Store.NO));
    }
  }

  static class Parser extends QueryParser {
    Parser() {
      super("", new KeywordAnalyzer());
      setAllowLeadingWildcard(true);
    }

    @Override
    protected Query getFieldQuery(String field, String text, boolean quoted) throws ParseException {
      String type = type(field);
      return type.equals("string") ? new TermQuery(new Term(field, text)) : range(field, text, text, true, true);
    }

    @Override
    protected Query getFieldQuery(String field, String text, int slop) throws ParseException {
      return getFieldQuery(field, text, true);
    }

    @Override
    protected Query getRangeQuery(String field, String low, String high, boolean withLow, boolean withHigh)
        throws ParseException {
      if (low == null && high == null) {
        type(field);
        return new TermQuery(new Term("_present", field));
      }
      return range(field, low, high, withLow, withHigh);
    }

    Query range(String field, String low, String high, boolean withLow, boolean withHigh) throws ParseException {
      switch (type(field)) {
        case "double":
          double least = low == null ? Double.NEGATIVE_INFINITY : Double.parseDouble(low);
          double most = high == null ? Double.POSITIVE_INFINITY : Double.parseDouble(high);
          return DoublePoint.newRangeQuery(
              field, withLow ? least : DoublePoint.nextUp(least), withHigh ? most : DoublePoint.nextDown(most));
        case "string":
          return TermRangeQuery.newStringRange(field, low, high, withLow, withHigh);
        default:
          long from = low == null ? Long.MIN_VALUE : number(field, low);
          long to = high == null ? Long.MAX_VALUE : number(field, high);
          return LongPoint.newRangeQuery(field, withLow || low == null ? from : from + 1, withHigh || high == null ? to : to - 1);
      }
    }

    long number(String field, String text) throws ParseException {
      return type(field).equals("date") ? Instant.parse(text).toEpochMilli() : Long.parseLong(text);
    }

    String type(String field) throws ParseException {
      if (!TYPES.containsKey(field)) {
        throw new ParseException("undefined field " + field);
      }
      return TYPES.get(field);
    }
  }
}
